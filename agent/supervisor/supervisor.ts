import { agentport } from "../../api/mod.ts";
import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { type AuditSink, CgroupError, PACT_INFRA } from "../../contracts/mod.ts";
import { type EventPump, type Shim, ShimError, type SignalName } from "../../ffi/mod.ts";
import { createProcessTable, type Isolation, type Unavailable } from "../isolation/mod.ts";
import { type Actor, SUPERVISION_LOOP } from "./actor.ts";
import { adoptedService, snapshotOf } from "./adoption.ts";
import { serviceAuditEvent } from "./audit.ts";
import type { ServiceDeclaration } from "./declaration.ts";
import type { NodePlace } from "./environment.ts";
import { SupervisorError } from "./errors.ts";
import type { FormerEnds } from "./former_end.ts";
import { rootlessLimits } from "./identity.ts";
import { InterfacePoll } from "./interface_poll.ts";
import type { InterfaceNews } from "./interfaces.ts";
import { NoticeFeed, type ServiceReport, type SupervisorNotice } from "./notices.ts";
import { createNetworkProber, type Prober } from "./probes.ts";
import type { ReadLogOptions } from "./service_log.ts";
import { ServiceLogs } from "./service_logs.ts";
import { adoptRun, type RunContext, type ServiceRun, startRun } from "./service_run.ts";
import { isWorkloadSlice, readServiceSpec } from "./service_spec.ts";
import type { RestartLimits } from "./service_state.ts";
import { RESTART_LIMIT } from "./service_transitions.ts";
import type { ServiceManager, StopOptions } from "./service_manager.ts";
import { encodeSnapshot, type SupervisorSnapshot } from "./snapshot.ts";
import { StateKeeper } from "./state_keeper.ts";
import { type ServiceStatus, type SupervisorStatus, supervisorStatus } from "./status.ts";
import { isAllDown, nextWakeMs, stepSupervisor } from "./supervisor_core.ts";
import {
  newSupervisor,
  type ProcessEvent,
  type SupervisorEffect,
  type SupervisorEvent,
  type SupervisorState,
} from "./supervisor_state.ts";

/*
 * Shell: owns the services' processes, logs and the one timer of the core. Ends by stopAll, which
 * stops every service, or by release, which leaves them running; either way nothing is called after.
 */

export interface SupervisorOptions {
  readonly shim: Shim;
  readonly events: EventPump;
  readonly clock: Clock;
  readonly isolation: Isolation;
  readonly log: Logger;
  /** Where captured output goes (PATH-13); made if absent. */
  readonly logsDirectory: string;
  readonly place: () => NodePlace;
  /** Takes an event for whatever happens to a service (agent.md 1.1). */
  readonly audit: AuditSink;
  /** Kept up to date with what a new agent has to know (INI-31); absent: nothing is kept. */
  readonly stateFile?: string;
  /** How services ended that outlived the agent that had started them. */
  readonly formerEnds?: FormerEnds;
  /** Absent where the network is somebody else's: the kernel alone is asked then. */
  readonly interfaces?: InterfaceNews;
  /** A fresh UUID version 4, for audit events. */
  readonly newUuid: () => string;
  readonly limits?: Partial<RestartLimits>;
  /** For services that declare no time for their stop; 10 unless given. */
  readonly stopTimeoutSeconds?: number;
  readonly prober?: Prober;
}

const DEFAULT_LIMITS: RestartLimits = {
  backoffMaxSeconds: 60,
  resetAfterMs: 60_000,
  maxRestarts: 0,
};
const STOP_ALL_LIMIT_MS = 90_000;

export class Supervisor implements ServiceManager {
  readonly backend = "Pact";
  readonly #options: SupervisorOptions;
  readonly #context: RunContext;
  readonly #runs = new Map<string, ServiceRun>();
  readonly #logs: ServiceLogs;
  readonly #keeper: StateKeeper;
  readonly #interfaces: InterfacePoll;
  readonly #specs = new Map<string, agentport.ServiceSpec>();
  readonly #feed: NoticeFeed;
  readonly #prober: Prober;
  readonly #unavailable = new Map<string, Unavailable>();
  #state: SupervisorState;
  #timer: TimerHandle | null = null;
  #saidWhereWorkloadGoes = false;
  #released = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#feed = new NoticeFeed(options.clock, options.log);
    this.#prober = options.prober ?? createNetworkProber(options.clock);
    this.#logs = new ServiceLogs(options.logsDirectory, options.clock);
    this.#keeper = new StateKeeper(options.stateFile, options.log);
    this.#interfaces = new InterfacePoll(
      options.clock,
      options.shim.files,
      options.interfaces,
      (up) => this.#send({ kind: "facts", facts: { ...this.#state.facts, interfacesUp: up } }),
    );
    this.#state = newSupervisor({ ...DEFAULT_LIMITS, ...options.limits });
    this.#context = {
      ...options,
      pipesDirectory: `${options.logsDirectory}/.pipes`,
      notifyDirectory: `${options.logsDirectory}/.notify`,
      processes: createProcessTable(options.shim.files, options.shim.processes),
      onUnavailable: (missing) => {
        if (!this.#unavailable.has(missing.what)) {
          options.log.warn(`${missing.what} unavailable: ${missing.reason}`);
        }
        this.#unavailable.set(missing.what, missing);
      },
    };
    for (const missing of rootlessLimits(options.shim.system.ids())) {
      this.#context.onUnavailable(missing);
    }
    Deno.mkdirSync(options.logsDirectory, { recursive: true, mode: 0o755 });
    Deno.mkdirSync(this.#context.pipesDirectory, { recursive: true, mode: 0o700 });
    Deno.mkdirSync(this.#context.notifyDirectory, { recursive: true, mode: 0o711 });
  }

  get unavailable(): readonly Unavailable[] {
    return [
      ...this.#options.isolation.unavailable,
      ...this.#unavailable.values(),
      ...alarmingServices(this.status().services),
    ];
  }

  declare(specs: readonly agentport.ServiceSpec[], by: Actor = SUPERVISION_LOOP): void {
    const { stopTimeoutSeconds } = this.#options;
    const declarations = specs.map((spec) => readServiceSpec(spec, stopTimeoutSeconds));
    this.#send({ kind: "declare", declarations, by });
    for (const name of this.#specs.keys()) {
      if (!this.#state.services.has(name)) this.#specs.delete(name);
    }
    for (const spec of specs) this.#specs.set(spec.name, spec);
    this.#sayWhereWorkloadGoes(specs);
    this.#save();
  }

  /** SVC-4, once. */
  #sayWhereWorkloadGoes(specs: readonly agentport.ServiceSpec[]): void {
    const found = specs.find(({ cgroupSlice }) => isWorkloadSlice(cgroupSlice));
    if (found === undefined || this.#saidWhereWorkloadGoes) return;
    this.#saidWhereWorkloadGoes = true;
    const { name, cgroupSlice } = found;
    this.#options.log.info(
      `service ${name}: ${cgroupSlice} is the workload's, runs in ${PACT_INFRA}`,
    );
  }

  /** Starts are under way with their declaration. */
  applied(): Promise<void> {
    return Promise.resolve();
  }

  specs(): readonly agentport.ServiceSpec[] {
    return [...this.#specs.values()];
  }

  start(name: string, by: Actor): void {
    this.#send({ kind: "start", name, by });
  }

  stop(name: string, by: Actor, options: StopOptions = {}): void {
    const { force = false, withDependents = false } = options;
    const dependents = withDependents ? "stop" : force ? "ignore" : "refuse";
    this.#send({ kind: "stop", name, by, dependents });
  }

  restart(name: string, by: Actor): void {
    this.#send({ kind: "restart", name, by });
  }

  status(): SupervisorStatus {
    return supervisorStatus(this.#state, this.#options.clock.monotonicMs());
  }

  statusOf(name: string): ServiceStatus {
    const found = this.status().services.find((status) => status.name === name);
    if (found === undefined) throw new SupervisorError({ code: "UNKNOWN_SERVICE", service: name });
    return found;
  }

  async atRest(name: string, limitMs: number): Promise<ServiceStatus> {
    const isResting = ({ state, reason }: ServiceStatus) =>
      state !== "Stopping" && (state !== "Starting" || reason !== "");
    await this.#feed.until(() => isResting(this.statusOf(name)), limitMs);
    return this.statusOf(name);
  }

  logs(name: string, options: ReadLogOptions = {}): AsyncIterable<string> {
    this.statusOf(name);
    return this.#logs.of(name).read(options);
  }

  setActive(active: boolean): void {
    this.#send({ kind: "facts", facts: { ...this.#state.facts, active } });
  }

  /**
   * What a tick of the supervision loop does: notices ends and deadlines whose events did not come
   * (SUP-5, SUP-30). True when there were any.
   */
  poll(): boolean {
    if (this.#released) return false;
    if (this.#keeper.isUnsaved) this.#save();
    let found = false;
    for (const run of [...this.#runs.values()]) found = run.poll() || found;
    const wakeMs = nextWakeMs(this.#state);
    if (wakeMs === null || this.#options.clock.monotonicMs() < wakeMs) return found;
    this.#send({ kind: "tick" });
    return true;
  }

  onNotice(listener: (notice: SupervisorNotice) => void): () => void {
    return this.#feed.listen(listener);
  }

  /**
   * Stops everything in reverse start order, and kills what is left after the limit (SHD-2).
   * Resolves when no process is left, or with the names of the services that could not be killed.
   */
  async stopAll(
    by: Actor = SUPERVISION_LOOP,
    limitMs: number = STOP_ALL_LIMIT_MS,
  ): Promise<readonly string[]> {
    if (this.#released) return [];
    this.#send({ kind: "stopAll", by, limitMs });
    await this.#feed.until(() => isAllDown(this.#state), null);
    const unkillable = this.status().services.filter(({ reason }) =>
      reason.startsWith("unkillable")
    );
    this.release();
    return unkillable.map(({ name }) => name);
  }

  /** Everything a new supervisor needs to carry on (INI-31). */
  snapshot(): SupervisorSnapshot {
    return snapshotOf(this.#state, this.#specs, this.#runs, this.#options.clock);
  }

  /**
   * Takes over the services of a former agent, before the first `declare`. One that has ended
   * meanwhile counts as exited with unknown status (INI-32).
   */
  adopt(snapshot: SupervisorSnapshot): void {
    const services = snapshot.services.map((service) =>
      adoptedService(service, this.#options.clock)
    );
    this.#send({ kind: "adopt", services });
    for (const { spec, run } of snapshot.services) {
      this.#specs.set(spec.name, spec);
      if (run === null) continue;
      const declaration = readServiceSpec(spec);
      this.#hold(spec.name, 1, adoptRun(declaration, run, this.#logs.of(spec.name), this.#context));
    }
    this.#send({ kind: "tick" });
  }

  /** Lets go of everything; services go on without a supervisor. Repeatable. */
  release(): void {
    if (this.#released) return;
    this.#released = true;
    if (this.#timer !== null) this.#options.clock.clearTimer(this.#timer);
    this.#interfaces.close();
    for (const run of this.#runs.values()) run.release();
    this.#logs.close();
    this.#runs.clear();
  }

  /** Sets limits anew that depend on what the node has: a disk has come (CG-27). */
  renewDiskLimits(): void {
    for (const [name, { declaration }] of this.#state.services) {
      if (declaration.ioMaxBytesPerSecond !== null) this.#setLimits(name, declaration);
    }
  }

  /** One event through the core, its effects performed. */
  #send(event: SupervisorEvent): void {
    if (this.#released) return;
    const before = this.#state;
    const step = stepSupervisor(before, event, this.#options.clock.monotonicMs());
    this.#state = step.state;
    for (const effect of step.effects) this.#perform(effect);
    this.#schedule();
    if (isNetworkAwaited(this.#state)) this.#interfaces.look();
    this.#logs.keepOnly(this.#state.services);
    if (isWorthSaving(before, this.#state)) this.#save();
    this.#feed.announce(before, this.#state);
  }

  #perform(effect: SupervisorEffect): void {
    const { name, run } = effect;
    switch (effect.kind) {
      case "spawn":
        return this.#inBackground(
          this.#spawn(name, run, effect.declaration),
          (reason) => ({ kind: "spawnFailed", name, run, reason, permanent: false }),
        );
      case "signal":
        return this.#signal(name, effect.signal);
      case "clearScope":
        return this.#inBackground(
          this.#clear(name, run),
          (survivors) => ({ kind: "scopeStuck", name, run, survivors }),
        );
      case "setLimits":
        return this.#setLimits(name, effect.declaration);
      case "probe":
        return this.#inBackground(
          this.#probe(name, run, effect.declaration),
          (detail) => ({ kind: "probed", name, run, ok: false, detail }),
        );
      case "report":
        return this.#report(effect);
      case "warn":
        return this.#options.log.warn(effect.message);
    }
  }

  async #spawn(name: string, run: number, declaration: ServiceDeclaration): Promise<void> {
    const outcome = await startRun(declaration, this.#logs.of(name), this.#context);
    switch (outcome.kind) {
      case "started":
        if (this.#released) return outcome.run.release();
        this.#hold(name, run, outcome.run);
        return this.#send({ kind: "spawned", name, run, pid: outcome.run.pid });
      case "blocked":
        return this.#send({
          kind: "spawnBlocked",
          name,
          run,
          waitingFor: outcome.waitingFor,
        });
      case "failed":
        return this.#send({ ...outcome, kind: "spawnFailed", name, run });
    }
  }

  #hold(name: string, run: number, process: ServiceRun): void {
    this.#runs.set(name, process);
    process.onNotification((message) => this.#send({ kind: "notified", name, run, message }));
    process.exited.then((status) => this.#send({ kind: "exited", name, run, status }));
  }

  /** One that cannot be delivered is left to the timeout, which kills. */
  #signal(name: string, signal: SignalName): void {
    try {
      this.#runs.get(name)?.signal(signal);
    } catch (error) {
      if (!(error instanceof ShimError)) throw error;
      this.#options.log.error(`service ${name}: ${signal} not delivered: ${error.message}`);
    }
  }

  async #clear(name: string, run: number): Promise<void> {
    const process = this.#runs.get(name);
    try {
      await process?.clear();
    } catch (error) {
      if (!(error instanceof CgroupError)) throw error;
      const survivors = error.fault.kind === "KillFailed" ? error.fault.reason : error.message;
      return this.#send({ kind: "scopeStuck", name, run, survivors });
    }
    if (this.#runs.get(name) === process) this.#runs.delete(name);
    this.#send({ kind: "scopeCleared", name, run });
  }

  #setLimits(name: string, declaration: ServiceDeclaration): void {
    try {
      this.#runs.get(name)?.setLimits(declaration);
    } catch (error) {
      if (!(error instanceof CgroupError)) throw error;
      this.#options.log.error(`limits of service ${name} not changed: ${error.message}`);
    }
  }

  async #probe(name: string, run: number, declaration: ServiceDeclaration): Promise<void> {
    const answer = await this.#prober(declaration.healthCheck.probe);
    this.#send({ kind: "probed", name, run, ...answer });
  }

  #report({ name, action, by, detail }: Extract<SupervisorEffect, { kind: "report" }>): void {
    const { audit, clock, log, newUuid, place } = this.#options;
    const report: ServiceReport = { name, action, by, detail, atMs: clock.nowMs() };
    log.info(`service ${name}: ${action} (${detail})`);
    audit.emit(serviceAuditEvent(report, place(), newUuid()));
    this.#feed.publish({ kind: "report", ...report });
  }

  /** An unexpected failure is that one service's, never the supervisor's (AGT-4). */
  #inBackground(work: Promise<void>, failure: (reason: string) => ProcessEvent): void {
    work.catch((error) => {
      const reason = error instanceof Error ? error.message : String(error);
      const event = failure(reason);
      this.#options.log.error(`service ${event.name}: ${reason}`);
      this.#send(event);
    });
  }

  /** The one timer: for the earliest deadline that the core knows. */
  #schedule(): void {
    const { clock } = this.#options;
    if (this.#timer !== null) clock.clearTimer(this.#timer);
    const wakeMs = this.#released ? null : nextWakeMs(this.#state);
    this.#timer = wakeMs === null
      ? null
      : clock.setTimer(wakeMs - clock.monotonicMs(), () => this.#send({ kind: "tick" }));
  }

  #save(): void {
    this.#keeper.save(encodeSnapshot(this.snapshot()));
  }
}

/** A service waits for an interface. */
function isNetworkAwaited({ services }: SupervisorState): boolean {
  return [...services.values()].some(({ declaration, machine }) =>
    machine.state.kind === "Waiting" && declaration.needsNetwork.length > 0
  );
}

/** Failures that are nobody's plan: a used-up restart limit, and services the node is not well without
 * (SUP-4, RDY-3). */
function alarmingServices(services: readonly ServiceStatus[]): readonly Unavailable[] {
  return services.filter(({ state, reason, critical }) =>
    state === "Failed" && (critical || reason.startsWith(RESTART_LIMIT))
  ).map(({ name, reason }) => ({ what: `service ${name}`, reason }));
}

/** Health alone is looked at anew by the next agent. */
function isWorthSaving(before: SupervisorState, after: SupervisorState): boolean {
  return before.services.size !== after.services.size ||
    [...after.services].some(([name, { machine, readiness }]) => {
      const former = before.services.get(name);
      return machine !== former?.machine || readiness?.ready !== former?.readiness?.ready;
    });
}
