/**
 * The state of the whole supervisor, and what goes into and comes out of its core.
 *
 * @module
 */
import type { Actor } from "./actor.ts";
import type { ServiceDeclaration } from "./declaration.ts";
import type { ExitStatus } from "./exit_status.ts";
import type { HealthState } from "./health.ts";
import type { Notification, Readiness } from "./readiness.ts";
import type { ReportAction, RestartLimits, ServiceMachine } from "./service_state.ts";
import type { SignalName } from "../../ffi/mod.ts";

export interface SupervisorState {
  readonly limits: RestartLimits;
  /** In start order. */
  readonly services: ReadonlyMap<string, SupervisedService>;
  readonly facts: NodeFacts;
  /** Everything is being stopped, for good. */
  readonly shutdown: { readonly by: Actor; readonly deadlineMs: number } | null;
}

export interface SupervisedService {
  readonly declaration: ServiceDeclaration;
  /** See StartPlan.ranks. */
  readonly rank: number;
  readonly machine: ServiceMachine;
  /** Present while Running. */
  readonly health: HealthState | null;
  /** Present while Running. */
  readonly readiness: Readiness | null;
  /** A stop or restart that lets dependents and later services go down first. */
  readonly pending: { readonly then: "Stopped" | "Starting"; readonly by: Actor } | null;
  /** No longer declared: forgotten once nothing of it is left. */
  readonly removed: boolean;
}

/** What the supervisor has to be told about the node. */
export interface NodeFacts {
  readonly interfacesUp: ReadonlySet<string>;
  /** Workload runs here: health checks give way (HLT-2). */
  readonly active: boolean;
}

export type SupervisorEvent =
  | {
    readonly kind: "declare";
    readonly declarations: readonly ServiceDeclaration[];
    readonly by: Actor;
  }
  | { readonly kind: "start"; readonly name: string; readonly by: Actor }
  | {
    readonly kind: "stop";
    readonly name: string;
    readonly by: Actor;
    /** What happens to services that depend on it (SUP-9). */
    readonly dependents: "refuse" | "ignore" | "stop";
  }
  | { readonly kind: "restart"; readonly name: string; readonly by: Actor }
  | { readonly kind: "stopAll"; readonly by: Actor; readonly limitMs: number }
  | { readonly kind: "adopt"; readonly services: readonly AdoptedService[] }
  | { readonly kind: "facts"; readonly facts: NodeFacts }
  | { readonly kind: "tick" }
  | ProcessEvent;

/** What the shell reports of one run of a service. */
export type ProcessEvent =
  & { readonly name: string; readonly run: number }
  & (
    | { readonly kind: "spawned"; readonly pid: number }
    | { readonly kind: "spawnFailed"; readonly reason: string; readonly permanent: boolean }
    | { readonly kind: "spawnBlocked"; readonly waitingFor: string }
    | { readonly kind: "exited"; readonly status: ExitStatus }
    | { readonly kind: "scopeCleared" }
    | { readonly kind: "scopeStuck"; readonly survivors: string }
    | { readonly kind: "notified"; readonly message: Notification }
    | { readonly kind: "probed"; readonly ok: boolean; readonly detail: string }
  );

/** A service taken over from a former life of the agent (INI-31). */
export interface AdoptedService {
  readonly declaration: ServiceDeclaration;
  readonly machine: ServiceMachine;
  /** Had said that it is ready; otherwise that is found out as after a start. */
  readonly ready: boolean;
}

export type SupervisorEffect =
  & { readonly name: string; readonly run: number }
  & (
    | { readonly kind: "spawn"; readonly declaration: ServiceDeclaration }
    | { readonly kind: "signal"; readonly signal: SignalName }
    | { readonly kind: "clearScope" }
    | { readonly kind: "setLimits"; readonly declaration: ServiceDeclaration }
    | { readonly kind: "probe"; readonly declaration: ServiceDeclaration }
    | {
      readonly kind: "report";
      readonly action: ReportAction;
      readonly by: Actor;
      readonly detail: string;
    }
    | { readonly kind: "warn"; readonly message: string }
  );

/** A supervisor without services. */
export function newSupervisor(limits: RestartLimits): SupervisorState {
  return {
    limits,
    services: new Map(),
    facts: { interfacesUp: new Set(), active: false },
    shutdown: null,
  };
}
