/**
 * What each cell of the table in service_machine.ts does: the next state, and the effects.
 *
 * @module
 */
import { type Actor, SUPERVISION_LOOP } from "./actor.ts";
import { restartDelaySeconds } from "./backoff.ts";
import type { ServiceDeclaration } from "./declaration.ts";
import { exitText, isFailure } from "./exit_status.ts";
import type {
  EventOf,
  MachineContext,
  MachineStep,
  ReportAction,
  ServiceEffect,
  ServiceMachine,
  ServiceState,
  StateOf,
  StopManner,
} from "./service_state.ts";

/** How long a start that met a missing identity waits before it looks again. */
const BLOCKED_RETRY_MS = 5_000;
/** How the reason of a service begins that has used up its restarts. */
export const RESTART_LIMIT = "restart limit reached";

export function stay(machine: ServiceMachine): MachineStep {
  return { machine, effects: [] };
}

function to(
  machine: ServiceMachine,
  state: ServiceState,
  effects: readonly ServiceEffect[] = [],
): MachineStep {
  return { machine: { ...machine, state }, effects };
}

function report(action: ReportAction, by: Actor, detail: string): ServiceEffect {
  return { kind: "report", action, by, detail };
}

/** A start somebody asked for: counters begin anew. */
export function begin(
  machine: ServiceMachine,
  _state: ServiceState,
  event: EventOf<"start"> | EventOf<"restart">,
): MachineStep {
  return to(
    { ...machine, series: 0, attempted: false },
    {
      kind: "Waiting",
      by: event.by,
      waitingFor: "",
      retryAtMs: null,
      inOrder: event.kind === "start" && event.inOrder,
    },
    event.kind === "restart" ? [report("restart", event.by, "restarted on request")] : [],
  );
}

export function spawn(machine: ServiceMachine, state: StateOf<"Waiting">): MachineStep {
  return to(
    { ...machine, run: machine.run + 1, scope: "held", attempted: true },
    { kind: "Spawning", by: state.by },
    [{ kind: "spawn" }],
  );
}

export function run(
  machine: ServiceMachine,
  state: StateOf<"Spawning">,
  event: EventOf<"spawned">,
  context: MachineContext,
): MachineStep {
  return to(machine, {
    kind: "Running",
    pid: event.pid,
    sinceMs: context.nowMs,
    stop: stopManner(context.declaration),
  }, [report("start", state.by, `pid ${event.pid}`)]);
}

/** What a start waits for changed. */
export function keepWaiting(
  machine: ServiceMachine,
  state: StateOf<"Waiting">,
  event: EventOf<"wait">,
): MachineStep {
  return to(machine, { ...state, waitingFor: event.for, retryAtMs: null });
}

export function retryWhenDue(
  machine: ServiceMachine,
  state: StateOf<"Waiting">,
  _event: EventOf<"tick">,
  { nowMs }: MachineContext,
): MachineStep {
  if (state.retryAtMs === null || nowMs < state.retryAtMs) return stay(machine);
  return to(machine, { ...state, retryAtMs: null });
}

/** There is no process to be stopped. */
export function stopAtOnce(
  machine: ServiceMachine,
  _state: ServiceState,
  event: EventOf<"stop"> | EventOf<"kill">,
): MachineStep {
  return stopped(machine, event.by, "stopped");
}

/** The shell met something that only time or another system can change (SUP-25). */
export function waitBlocked(
  machine: ServiceMachine,
  state: StateOf<"Spawning">,
  event: EventOf<"spawnBlocked">,
  { nowMs }: MachineContext,
): MachineStep {
  return to({ ...machine, scope: "none" }, {
    kind: "Waiting",
    by: state.by,
    waitingFor: event.waitingFor,
    retryAtMs: nowMs + BLOCKED_RETRY_MS,
    inOrder: false,
  });
}

/** HLT-4: a gate that stays shut. */
export function failLateHealth(
  machine: ServiceMachine,
  state: StateOf<"Running">,
  _event: EventOf<"notHealthyInTime">,
  context: MachineContext,
): MachineStep {
  const reason = "not healthy in time";
  return beginStop(machine, state, context, { by: SUPERVISION_LOOP, then: "Failed", reason }, [
    report("health_failed", SUPERVISION_LOOP, reason),
  ]);
}

export function stopOnRequest(
  machine: ServiceMachine,
  state: StateOf<"Running">,
  { by }: EventOf<"stop">,
  context: MachineContext,
): MachineStep {
  return beginStop(machine, state, context, { by, then: "Stopped", reason: "stopped" });
}

export function restartOnRequest(
  machine: ServiceMachine,
  state: StateOf<"Running">,
  { by }: EventOf<"restart">,
  context: MachineContext,
): MachineStep {
  return beginStop(machine, state, context, { by, then: "Starting", reason: "restarted" });
}

export function killRunning(
  machine: ServiceMachine,
  { pid, stop }: StateOf<"Running">,
  { by }: EventOf<"kill">,
): MachineStep {
  return to({ ...machine, scope: "clearing" }, {
    kind: "Stopping",
    by,
    pid,
    stop,
    stage: "killed",
    exited: false,
    deadlineMs: null,
    then: "Stopped",
    reason: "killed",
  }, [{ kind: "clearScope" }]);
}

/** The spawn that was to be undone has answered. */
export function signalLateSpawn(
  machine: ServiceMachine,
  state: StateOf<"Stopping">,
  { pid }: EventOf<"spawned">,
  { nowMs }: MachineContext,
): MachineStep {
  if (state.stage !== "spawning") return stay(machine);
  const deadlineMs = nowMs + state.stop.timeoutMs;
  return to(machine, { ...state, pid, stage: "signalled", deadlineMs }, [
    { kind: "signal", signal: state.stop.signal },
  ]);
}

export function clearAfterStop(machine: ServiceMachine, state: StateOf<"Stopping">): MachineStep {
  return to(
    { ...machine, scope: "clearing" },
    { ...state, exited: true, deadlineMs: null },
    machine.scope === "clearing" ? [] : [{ kind: "clearScope" }],
  );
}

export function killWhenDue(
  machine: ServiceMachine,
  state: StateOf<"Stopping">,
  _event: EventOf<"tick">,
  { nowMs }: MachineContext,
): MachineStep {
  const due = state.deadlineMs !== null && nowMs >= state.deadlineMs;
  return due ? killNow(machine, state) : stay(machine);
}

export function killStopping(
  machine: ServiceMachine,
  state: StateOf<"Stopping">,
  { by }: EventOf<"kill">,
): MachineStep {
  const killed = { ...state, by, then: "Stopped" as const };
  return state.stage === "signalled" && !state.exited
    ? killNow(machine, killed)
    : to(machine, killed);
}

/** A stop that was meant for something else ends in Stopped. */
export function stopInstead(
  machine: ServiceMachine,
  state: StateOf<"Stopping">,
  { by }: EventOf<"stop">,
): MachineStep {
  return to(machine, { ...state, by, then: "Stopped", reason: "stopped" });
}

export function startAfterStop(
  machine: ServiceMachine,
  state: StateOf<"Stopping">,
  { by }: EventOf<"start"> | EventOf<"restart">,
): MachineStep {
  return to(machine, { ...state, by, then: "Starting", reason: "restarted" });
}

/** The shell has already taken the scope away again (RI5). */
export function failToSpawn(
  machine: ServiceMachine,
  _state: StateOf<"Spawning">,
  event: EventOf<"spawnFailed">,
  context: MachineContext,
): MachineStep {
  const cleared: ServiceMachine = { ...machine, scope: "none" };
  const failure = report("start_failed", SUPERVISION_LOOP, event.reason);
  return event.permanent || context.declaration.restart === "Never"
    ? to(cleared, { kind: "Failed", reason: event.reason }, [failure])
    : scheduleRestart(cleared, event.reason, context, [failure]);
}

export function undoSpawn(
  machine: ServiceMachine,
  _state: StateOf<"Spawning">,
  { by, kind }: EventOf<"stop"> | EventOf<"kill">,
  context: MachineContext,
): MachineStep {
  return to(machine, {
    kind: "Stopping",
    by,
    pid: null,
    stop: kind === "kill" ? { signal: "SIGKILL", timeoutMs: 0 } : stopManner(context.declaration),
    stage: "spawning",
    exited: false,
    deadlineMs: null,
    then: "Stopped",
    reason: "stopped",
  });
}

export function crashOrFinish(
  machine: ServiceMachine,
  state: StateOf<"Running">,
  event: EventOf<"exited">,
  context: MachineContext,
): MachineStep {
  const stable = context.nowMs - state.sinceMs >= context.limits.resetAfterMs;
  const ended: ServiceMachine = {
    ...machine,
    scope: "clearing",
    series: stable ? 0 : machine.series,
  };
  const reason = exitText(event.status);
  const { restart } = context.declaration;
  const failed = isFailure(event.status);
  const effects: ServiceEffect[] = [{ kind: "clearScope" }];
  if (failed) effects.push(report("crash", SUPERVISION_LOOP, reason));
  if (event.status.kind === "oom") {
    const { limitText, peakText } = event.status;
    effects.push(
      report("oom", SUPERVISION_LOOP, `memory.peak ${peakText}, memory.max ${limitText}`),
    );
  }

  if (restart === "Always" || (failed && restart === "OnFailure")) {
    return scheduleRestart(ended, reason, context, effects);
  }
  if (failed) return to(ended, { kind: "Failed", reason }, effects);
  effects.push(report("stop", SUPERVISION_LOOP, reason));
  return to(ended, { kind: "Stopped", reason, onRequest: false }, effects);
}

export function stopUnhealthy(
  machine: ServiceMachine,
  state: StateOf<"Running">,
  event: EventOf<"unhealthy">,
  context: MachineContext,
): MachineStep {
  const reason = `unhealthy: ${event.reason}`;
  const stable = context.nowMs - state.sinceMs >= context.limits.resetAfterMs;
  return beginStop({ ...machine, series: stable ? 0 : machine.series }, state, context, {
    by: SUPERVISION_LOOP,
    then: context.declaration.restart === "Never" ? "Failed" : "Restarting",
    reason,
  }, [report("health_failed", SUPERVISION_LOOP, event.reason)]);
}

function beginStop(
  machine: ServiceMachine,
  { pid, stop }: StateOf<"Running">,
  { nowMs }: MachineContext,
  purpose: Pick<StateOf<"Stopping">, "by" | "then" | "reason">,
  effects: readonly ServiceEffect[] = [],
): MachineStep {
  return to(machine, {
    kind: "Stopping",
    ...purpose,
    pid,
    stop,
    stage: "signalled",
    exited: false,
    deadlineMs: nowMs + stop.timeoutMs,
  }, [...effects, { kind: "signal", signal: stop.signal }]);
}

function killNow(machine: ServiceMachine, state: StateOf<"Stopping">): MachineStep {
  return to({ ...machine, scope: "clearing" }, { ...state, stage: "killed", deadlineMs: null }, [
    { kind: "clearScope" },
  ]);
}

/** The scope is empty: whatever the stop was for can happen. */
export function finishStop(
  occupied: ServiceMachine,
  state: StateOf<"Stopping">,
  _event: unknown,
  context: MachineContext,
): MachineStep {
  const machine: ServiceMachine = { ...occupied, scope: "none" };
  switch (state.then) {
    case "Stopped":
      return stopped(machine, state.by, state.reason);
    case "Starting":
      return begin(machine, state, { kind: "restart", by: state.by });
    case "Restarting":
      return scheduleRestart(machine, state.reason, context, []);
    case "Failed":
      return to(machine, { kind: "Failed", reason: state.reason });
  }
}

function stopped(machine: ServiceMachine, by: Actor, reason: string): MachineStep {
  return to({ ...machine, series: 0 }, { kind: "Stopped", reason, onRequest: true }, [
    report("stop", by, reason),
  ]);
}

function scheduleRestart(
  machine: ServiceMachine,
  reason: string,
  { declaration, limits, nowMs }: MachineContext,
  effects: readonly ServiceEffect[],
): MachineStep {
  if (limits.maxRestarts > 0 && machine.series >= limits.maxRestarts) {
    const limit = `${RESTART_LIMIT} (${limits.maxRestarts})`;
    return to(machine, { kind: "Failed", reason: limit }, effects);
  }
  const delaySeconds = restartDelaySeconds(
    declaration.restartDelaySeconds,
    machine.series,
    limits.backoffMaxSeconds,
  );
  return to(
    machine,
    { kind: "Restarting", untilMs: nowMs + delaySeconds * 1000, reason },
    effects,
  );
}

export function restartWhenDue(
  machine: ServiceMachine,
  state: StateOf<"Restarting">,
  _event: EventOf<"tick">,
  { nowMs }: MachineContext,
): MachineStep {
  if (nowMs < state.untilMs) return stay(machine);
  return to(
    { ...machine, restartCount: machine.restartCount + 1, series: machine.series + 1 },
    {
      kind: "Waiting",
      by: SUPERVISION_LOOP,
      waitingFor: "",
      retryAtMs: null,
      inOrder: false,
    },
    [report("restart", SUPERVISION_LOOP, state.reason)],
  );
}

export function releaseScope(machine: ServiceMachine): MachineStep {
  return stay({ ...machine, scope: "none" });
}

/** F30: the scope is left behind as a zombie; nothing is started beside it unasked. */
export function giveUpScope(
  machine: ServiceMachine,
  _state: ServiceState,
  event: EventOf<"scopeStuck">,
): MachineStep {
  const reason = `unkillable: ${event.survivors}`;
  return to({ ...machine, scope: "none" }, { kind: "Failed", reason }, [
    report("kill_failed", SUPERVISION_LOOP, event.survivors),
  ]);
}

function stopManner({ stopSignal, stopTimeoutSeconds }: ServiceDeclaration): StopManner {
  return { signal: stopSignal, timeoutMs: stopTimeoutSeconds * 1000 };
}
