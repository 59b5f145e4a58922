/**
 * The core of the supervisor: the machines of all services joined by order, dependencies and
 * health. Pure; every event is followed by {@link settle}, which lets happen what it made possible.
 *
 * @module
 */
import type { Actor } from "./actor.ts";
import { applyDeclarations } from "./declare.ts";
import { SupervisorError } from "./errors.ts";
import {
  beginHealth,
  healthWakeAtMs,
  isGateOverdue,
  isProbeDue,
  probeAnswered,
  probeStarted,
} from "./health.ts";
import { activeDependents, mustStopLater, startBlocker } from "./precedence.ts";
import { adoptedReadiness, notified, readinessWakeAtMs, silence } from "./readiness.ts";
import { mayHaveProcess, wakeAtMs } from "./service_state.ts";
import type {
  ProcessEvent,
  SupervisedService,
  SupervisorEffect,
  SupervisorEvent,
  SupervisorState,
} from "./supervisor_state.ts";
import { Turn } from "./turn.ts";

export interface SupervisorStep {
  readonly state: SupervisorState;
  readonly effects: readonly SupervisorEffect[];
}

/**
 * One event: the next state and what the shell has to do.
 *
 * @throws {SupervisorError} when a request is refused; nothing has changed then
 */
export function stepSupervisor(
  state: SupervisorState,
  event: SupervisorEvent,
  nowMs: number,
): SupervisorStep {
  const turn = new Turn(state, nowMs);
  handle(turn, event);
  settle(turn);
  return { state: turn.state, effects: turn.effects };
}

/** When the next `tick` has something to do; null while only an event can change anything. */
export function nextWakeMs(state: SupervisorState): number | null {
  let next = state.shutdown === null || isAllDown(state) ? Infinity : state.shutdown.deadlineMs;
  for (const service of state.services.values()) {
    const { machine, health, readiness } = service;
    next = Math.min(next, wakeAtMs(machine) ?? Infinity);
    if (readiness !== null) next = Math.min(next, readinessWakeAtMs(readiness) ?? Infinity);
    if (health !== null && isProbed(service)) {
      next = Math.min(next, healthWakeAtMs(health) ?? Infinity);
    }
  }
  return next === Infinity ? null : next;
}

/** Whether no process of any service is left. */
export function isAllDown(state: SupervisorState): boolean {
  for (const { machine, pending } of state.services.values()) {
    if (pending !== null || mayHaveProcess(machine)) return false;
  }
  return true;
}

function handle(turn: Turn, event: SupervisorEvent): void {
  switch (event.kind) {
    case "declare":
      turn.assertNotStopping();
      return applyDeclarations(turn, event.declarations, event.by);
    case "start":
      return start(turn, event.name, event.by);
    case "stop":
      return stop(turn, event);
    case "restart":
      turn.assertNotStopping();
      turn.service(event.name);
      return turn.update(event.name, { pending: { then: "Starting", by: event.by } });
    case "stopAll":
      return stopAll(turn, event.by, event.limitMs);
    case "adopt":
      return adopt(turn, event);
    case "facts":
      turn.state = { ...turn.state, facts: event.facts };
      return;
    case "tick":
      return tick(turn);
    default:
      return processEvent(turn, event);
  }
}

function start(turn: Turn, name: string, by: Actor): void {
  turn.assertNotStopping();
  const { machine, pending } = turn.service(name);
  const { kind } = machine.state;
  if ((kind === "Running" || kind === "Spawning") && pending?.then !== "Stopped") {
    throw new SupervisorError({ code: "ALREADY_RUNNING", service: name });
  }
  if (pending === null) return turn.feed(name, { kind: "start", by, inOrder: false });
  turn.update(name, { pending: { then: "Starting", by } });
}

function stop(turn: Turn, event: Extract<SupervisorEvent, { kind: "stop" }>): void {
  const { name, by } = event;
  turn.service(name);
  const dependents = activeDependents(turn.state, name);
  if (event.dependents === "refuse" && dependents.length > 0) {
    throw new SupervisorError({ code: "DEPENDED_UPON", service: name, by: dependents });
  }
  turn.update(name, { pending: { then: "Stopped", by } });
  if (event.dependents !== "stop") return;
  for (const dependent of dependents) stop(turn, { ...event, name: dependent });
}

function stopAll(turn: Turn, by: Actor, limitMs: number): void {
  if (turn.state.shutdown !== null) return;
  turn.state = { ...turn.state, shutdown: { by, deadlineMs: turn.nowMs + limitMs } };
  for (const [name, { machine }] of turn.state.services) {
    if (mayHaveProcess(machine)) turn.update(name, { pending: { then: "Stopped", by } });
    else turn.feed(name, { kind: "stop", by });
  }
}

function adopt(turn: Turn, event: Extract<SupervisorEvent, { kind: "adopt" }>): void {
  const services = new Map(turn.state.services);
  for (const { declaration, machine, ready } of event.services) {
    services.set(declaration.name, {
      declaration,
      rank: declaration.order,
      machine,
      health: machine.state.kind === "Running"
        ? beginHealth(declaration.healthCheck, turn.nowMs)
        : null,
      readiness: machine.state.kind === "Running"
        ? adoptedReadiness(declaration, ready, turn.nowMs)
        : null,
      pending: null,
      removed: false,
    });
  }
  turn.state = { ...turn.state, services };
}

function tick(turn: Turn): void {
  const { shutdown } = turn.state;
  const overdue = shutdown !== null && turn.nowMs >= shutdown.deadlineMs;
  if (overdue) turn.state = { ...turn.state, shutdown: { ...shutdown, deadlineMs: Infinity } };
  for (const name of turn.state.services.keys()) {
    if (overdue) {
      turn.update(name, { pending: null });
      turn.feed(name, { kind: "kill", by: shutdown.by });
    }
    turn.feed(name, { kind: "tick" });
    checkReadiness(turn, name);
    checkHealth(turn, name);
  }
}

function checkReadiness(turn: Turn, name: string): void {
  const service = turn.state.services.get(name);
  if (service === undefined || service.readiness === null) return;
  const reason = silence(service.readiness, service.declaration, turn.nowMs);
  if (reason !== null) turn.feed(name, { kind: "unhealthy", reason });
}

/** Nobody asks a service that is not ready yet, or is going down, how it is. */
function isProbed({ readiness }: SupervisedService): boolean {
  return readiness !== null && readiness.ready && !readiness.stopping;
}

function checkHealth(turn: Turn, name: string): void {
  const service = turn.state.services.get(name);
  if (service === undefined || service.health === null || !isProbed(service)) return;
  const { declaration, machine, health } = service;
  if (isGateOverdue(health, turn.nowMs)) return turn.feed(name, { kind: "notHealthyInTime" });
  if (!isProbeDue(health, turn.nowMs)) return;
  turn.update(name, { health: probeStarted(health) });
  turn.effects.push({ kind: "probe", name, run: machine.run, declaration });
}

/** What is told of a former run is of no interest any more. */
function processEvent(turn: Turn, event: ProcessEvent): void {
  const service = turn.state.services.get(event.name);
  if (service === undefined || service.machine.run !== event.run) return;
  if (event.kind === "notified") return takeNotification(turn, service, event);
  if (event.kind !== "probed") return turn.feed(event.name, event);
  if (service.health === null || !service.health.probing) return;
  const { health, verdict } = probeAnswered(
    service.health,
    event,
    service.declaration.healthCheck,
    { nowMs: turn.nowMs, stretch: turn.state.facts.active ? 2 : 1 },
  );
  turn.update(event.name, { health });
  if (verdict === "unhealthy") turn.feed(event.name, { kind: "unhealthy", reason: event.detail });
}

function takeNotification(
  turn: Turn,
  { declaration, readiness, health }: SupervisedService,
  { name, message }: Extract<ProcessEvent, { kind: "notified" }>,
): void {
  if (readiness === null) return;
  const next = notified(readiness, message, declaration, turn.nowMs);
  const isNews = next.ready && !readiness.ready;
  // Health is asked for from here on, not from the start.
  turn.update(name, {
    readiness: next,
    health: isNews ? beginHealth(declaration.healthCheck, turn.nowMs) : health,
  });
}

/**
 * Repeats until nothing changes: stops whose turn it is, services to forget, starts that may go
 * ahead. Ends: every pass that changes something brings a service nearer to being down or spawned.
 */
function settle(turn: Turn): void {
  const passLimit = 4 * turn.state.services.size + 4;
  for (let pass = 0; pass < passLimit; pass++) {
    const before = turn.state;
    for (const name of [...turn.state.services.keys()].reverse()) settleStop(turn, name);
    for (const name of turn.state.services.keys()) settleStart(turn, name);
    if (turn.state === before) return;
  }
}

function settleStop(turn: Turn, name: string): void {
  const service = turn.state.services.get(name);
  if (service === undefined) return;
  const { pending, removed, machine } = service;
  if (pending === null) {
    if (removed && !mayHaveProcess(machine)) turn.forget(name);
    return;
  }
  if (mayHaveProcess(machine) && mustStopLater(turn.state, service)) return;
  turn.update(name, { pending: null });
  turn.feed(name, { kind: pending.then === "Stopped" ? "stop" : "restart", by: pending.by });
}

function settleStart(turn: Turn, name: string): void {
  const service = turn.state.services.get(name);
  if (service === undefined || service.pending !== null) return;
  const { state: waiting } = service.machine;
  if (waiting.kind !== "Waiting" || waiting.retryAtMs !== null) return;
  const blocker = startBlocker(turn.state, service);
  if (blocker === null) turn.feed(name, { kind: "ready" });
  else if (blocker.what !== waiting.waitingFor) {
    turn.feed(name, { kind: "wait", for: blocker.what });
  }
}
