/**
 * The states, events and effects of one service (agent.md 5.2), and what can be read off a state.
 * The table that joins them is in service_machine.ts.
 *
 * @module
 */
import type { Actor } from "./actor.ts";
import type { ServiceDeclaration } from "./declaration.ts";
import type { ExitStatus } from "./exit_status.ts";
import type { SignalName } from "../../ffi/mod.ts";

/** Waiting and Spawning are published as Starting (SUP-1). */
export type ServiceState =
  | {
    readonly kind: "Stopped";
    readonly reason: string;
    /** Somebody asked for it: only somebody's asking starts it again. */
    readonly onRequest: boolean;
  }
  | {
    readonly kind: "Waiting";
    readonly by: Actor;
    /** What the start waits for; empty until the supervisor has looked. */
    readonly waitingFor: string;
    /** Not looked at again before this moment; absent: whenever something changes. */
    readonly retryAtMs: number | null;
    /** Part of the start of a whole set, so services of lower order go first (SVC-2). */
    readonly inOrder: boolean;
  }
  | { readonly kind: "Spawning"; readonly by: Actor }
  | {
    readonly kind: "Running";
    readonly pid: number;
    readonly sinceMs: number;
    /** As declared when it was spawned: a later declaration may be of another program. */
    readonly stop: StopManner;
  }
  | {
    readonly kind: "Stopping";
    readonly by: Actor;
    /** Absent while the spawn that must be undone has not answered. */
    readonly pid: number | null;
    readonly stop: StopManner;
    readonly stage: "spawning" | "signalled" | "killed";
    readonly exited: boolean;
    /** When the patience with the stop signal ends. */
    readonly deadlineMs: number | null;
    readonly then: "Stopped" | "Starting" | "Restarting" | "Failed";
    readonly reason: string;
  }
  | { readonly kind: "Restarting"; readonly untilMs: number; readonly reason: string }
  | { readonly kind: "Failed"; readonly reason: string };

export interface StopManner {
  readonly signal: SignalName;
  readonly timeoutMs: number;
}

export interface ServiceMachine {
  readonly state: ServiceState;
  /** How many spawns there were; process events carry it, so late ones of a former run are known. */
  readonly run: number;
  /** `held` from the spawn on, `clearing` from the exit until nothing is left in it (SUP-26). */
  readonly scope: "none" | "held" | "clearing";
  /** Restarts since declaration, as published (SUP-3). */
  readonly restartCount: number;
  /** Consecutive restarts without a stable run between: drives backoff and limit. */
  readonly series: number;
  /** At least one spawn was tried since the last start (SUP-13). */
  readonly attempted: boolean;
}

export type ServiceEvent =
  | { readonly kind: "start"; readonly by: Actor; readonly inOrder: boolean }
  | { readonly kind: "stop"; readonly by: Actor }
  | { readonly kind: "restart"; readonly by: Actor }
  /** Kill what there is, without asking first. */
  | { readonly kind: "kill"; readonly by: Actor }
  | { readonly kind: "wait"; readonly for: string }
  | { readonly kind: "ready" }
  | { readonly kind: "spawned"; readonly pid: number }
  | { readonly kind: "spawnFailed"; readonly reason: string; readonly permanent: boolean }
  | { readonly kind: "spawnBlocked"; readonly waitingFor: string }
  | { readonly kind: "exited"; readonly status: ExitStatus }
  | { readonly kind: "scopeCleared" }
  | { readonly kind: "scopeStuck"; readonly survivors: string }
  | { readonly kind: "unhealthy"; readonly reason: string }
  | { readonly kind: "notHealthyInTime" }
  | { readonly kind: "tick" };

export type ServiceEffect =
  | { readonly kind: "spawn" }
  | { readonly kind: "signal"; readonly signal: SignalName }
  /** Kill everything in the scope and remove it; answered by scopeCleared or scopeStuck. */
  | { readonly kind: "clearScope" }
  | {
    readonly kind: "report";
    readonly action: ReportAction;
    readonly by: Actor;
    readonly detail: string;
  };

/** What is worth an audit event; start, stop and restart also become log entries (SUP-8). */
export type ReportAction =
  | "start"
  | "start_failed"
  | "stop"
  | "restart"
  | "crash"
  | "oom"
  | "health_failed"
  | "kill_failed";

/** Settings that hold for all services. */
export interface RestartLimits {
  readonly backoffMaxSeconds: number;
  readonly resetAfterMs: number;
  /** 0: no limit (SUP-4). */
  readonly maxRestarts: number;
}

export interface MachineContext {
  readonly declaration: ServiceDeclaration;
  readonly limits: RestartLimits;
  readonly nowMs: number;
}

export interface MachineStep {
  readonly machine: ServiceMachine;
  readonly effects: readonly ServiceEffect[];
}

export type StateOf<K extends ServiceState["kind"]> = Extract<ServiceState, { kind: K }>;
export type EventOf<K extends ServiceEvent["kind"]> = Extract<ServiceEvent, { kind: K }>;

/** A service that was never started. */
export function newMachine(): ServiceMachine {
  return {
    state: { kind: "Stopped", reason: "", onRequest: false },
    run: 0,
    scope: "none",
    restartCount: 0,
    series: 0,
    attempted: false,
  };
}

/** When the next `tick` has something to do; null when only an event can move the machine. */
export function wakeAtMs({ state }: ServiceMachine): number | null {
  switch (state.kind) {
    case "Waiting":
      return state.retryAtMs;
    case "Stopping":
      return state.deadlineMs;
    case "Restarting":
      return state.untilMs;
    default:
      return null;
  }
}

/** Whether a process of this service may exist. */
export function mayHaveProcess({ state, scope }: ServiceMachine): boolean {
  return scope !== "none" || state.kind === "Spawning" || state.kind === "Running" ||
    state.kind === "Stopping";
}

/** The text of ServiceStatus.state (SUP-1). */
export function publishedState({ state }: ServiceMachine) {
  return state.kind === "Waiting" || state.kind === "Spawning" ? "Starting" : state.kind;
}

/** Why the service is in its state; empty when there is nothing to add. */
export function stateReason({ state }: ServiceMachine): string {
  switch (state.kind) {
    case "Waiting":
      return state.waitingFor === "" ? "" : `waiting: ${state.waitingFor}`;
    case "Spawning":
    case "Running":
      return "";
    default:
      return state.reason;
  }
}
