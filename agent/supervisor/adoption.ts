import type { agentport } from "../../api/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import { SUPERVISION_LOOP } from "./actor.ts";
import type { ServiceRun } from "./service_run.ts";
import { readServiceSpec } from "./service_spec.ts";
import { newMachine, type ServiceMachine, type ServiceState } from "./service_state.ts";
import type { ServiceSnapshot, SupervisorSnapshot } from "./snapshot.ts";
import type { AdoptedService, SupervisedService, SupervisorState } from "./supervisor_state.ts";

/** What is to be remembered of every service. */
export function snapshotOf(
  state: SupervisorState,
  specs: ReadonlyMap<string, agentport.ServiceSpec>,
  runs: ReadonlyMap<string, ServiceRun>,
  clock: Clock,
): SupervisorSnapshot {
  const services: ServiceSnapshot[] = [];
  for (const [name, service] of state.services) {
    const spec = specs.get(name);
    if (spec !== undefined) services.push(serviceSnapshot(service, spec, runs.get(name), clock));
  }
  return { services };
}

/** A service of a snapshot as the core takes it over. */
export function adoptedService(snapshot: ServiceSnapshot, clock: Clock): AdoptedService {
  const declaration = readServiceSpec(snapshot.spec);
  const isUp = snapshot.run !== null;
  const machine: ServiceMachine = {
    ...newMachine(),
    state: adoptedState(snapshot, clock, {
      signal: declaration.stopSignal,
      timeoutMs: declaration.stopTimeoutSeconds * 1000,
    }),
    run: isUp ? 1 : 0,
    scope: isUp ? "held" : "none",
    restartCount: snapshot.restartCount,
    series: snapshot.series,
    attempted: isUp || snapshot.state === "failed",
  };
  return { declaration, machine, ready: snapshot.ready };
}

function serviceSnapshot(
  { machine, readiness }: SupervisedService,
  spec: agentport.ServiceSpec,
  run: ServiceRun | undefined,
  clock: Clock,
): ServiceSnapshot {
  const { state, restartCount, series } = machine;
  const counters = { spec, restartCount, series };
  const uptimeMs = state.kind === "Running" ? clock.monotonicMs() - state.sinceMs : 0;
  if (run !== undefined) {
    return {
      ...counters,
      state: "up",
      reason: "",
      onRequest: false,
      run: run.record,
      // One that is on its way down needs to tell nobody any more.
      ready: state.kind === "Stopping" || readiness?.ready === true,
      startedAtMs: Math.max(0, Math.round(clock.nowMs() - uptimeMs)),
    };
  }
  return {
    ...counters,
    state: state.kind === "Failed" ? "failed" : "down",
    reason: state.kind === "Failed" || state.kind === "Stopped" ? state.reason : "",
    onRequest: state.kind === "Stopped" && state.onRequest,
    run: null,
    ready: false,
    startedAtMs: 0,
  };
}

function adoptedState(
  { state, reason, onRequest, run, startedAtMs }: ServiceSnapshot,
  clock: Clock,
  stop: Extract<ServiceState, { kind: "Running" }>["stop"],
): ServiceState {
  if (run !== null) {
    const uptimeMs = Math.max(0, clock.nowMs() - startedAtMs);
    return { kind: "Running", pid: run.pid, sinceMs: clock.monotonicMs() - uptimeMs, stop };
  }
  if (state === "failed") return { kind: "Failed", reason };
  // What had ended by itself, or was about to start, is looked at anew.
  if (onRequest || reason !== "") return { kind: "Stopped", reason, onRequest };
  return {
    kind: "Waiting",
    by: SUPERVISION_LOOP,
    waitingFor: "",
    retryAtMs: null,
    inOrder: false,
  };
}
