/**
 * Who waits for whom: what keeps a service from starting, and what keeps it from being stopped.
 *
 * @module
 */
import { mayHaveProcess } from "./service_state.ts";
import type { SupervisedService, SupervisorState } from "./supervisor_state.ts";

export interface StartBlocker {
  /** The text behind `waiting:`. */
  readonly what: string;
  /**
   * Only something outside of the current start can end it: services of higher order do not wait
   * for this one.
   */
  readonly external: boolean;
}

/** What a waiting service waits for; null when it may be spawned. */
export function startBlocker(
  state: SupervisorState,
  service: SupervisedService,
): StartBlocker | null {
  if (service.machine.scope !== "none") {
    return { what: "processes of its last run", external: true };
  }
  for (const name of service.declaration.dependsOn) {
    const blocker = dependencyBlocker(state, name);
    if (blocker !== null) return blocker;
  }
  for (const name of service.declaration.needsNetwork) {
    if (!state.facts.interfacesUp.has(name)) return { what: `interface ${name}`, external: true };
  }
  return orderBlocker(state, service);
}

/**
 * Whether the stop of `service` has to wait: something later in the start order, or depending on
 * it, is on its way down and still there (SHD-1).
 */
export function mustStopLater(state: SupervisorState, service: SupervisedService): boolean {
  for (const other of state.services.values()) {
    if (other === service || !mayHaveProcess(other.machine)) continue;
    const goingDown = other.pending !== null || other.machine.state.kind === "Stopping" ||
      other.machine.scope === "clearing";
    const later = other.rank > service.rank ||
      other.declaration.dependsOn.includes(service.declaration.name);
    if (goingDown && later) return true;
  }
  return false;
}

/** Services that need `name` and are running or about to (SUP-9), sorted. */
export function activeDependents(state: SupervisorState, name: string): readonly string[] {
  const dependents: string[] = [];
  for (const [dependent, { declaration, machine, removed, pending }] of state.services) {
    const { kind } = machine.state;
    const idle = kind === "Stopped" || kind === "Failed" || removed || pending?.then === "Stopped";
    if (!idle && declaration.dependsOn.includes(name)) dependents.push(dependent);
  }
  return dependents.sort();
}

function dependencyBlocker(state: SupervisorState, name: string): StartBlocker | null {
  const dependency = state.services.get(name);
  if (dependency === undefined) return { what: `dependency ${name}`, external: true };
  if (dependency.pending !== null) return { what: `dependency ${name}`, external: false };
  switch (dependency.machine.state.kind) {
    case "Running":
      if (dependency.readiness?.ready !== true) {
        return { what: `readiness of dependency ${name}`, external: false };
      }
      return dependency.declaration.healthCheck.gate && dependency.health?.passed !== true
        ? { what: `health of dependency ${name}`, external: false }
        : null;
    case "Failed":
      return { what: `dependency ${name} failed`, external: true };
    case "Stopped":
      return { what: `dependency ${name} is stopped`, external: true };
    case "Waiting":
      return { what: `dependency ${name}`, external: waitsOutside(state, dependency) };
    case "Restarting":
      return { what: `dependency ${name}`, external: true };
    case "Spawning":
    case "Stopping":
      return { what: `dependency ${name}`, external: false };
  }
}

/** SVC-2: in the start of a set, lower ranks have had their first attempt before higher ones. */
function orderBlocker(
  state: SupervisorState,
  service: SupervisedService,
): StartBlocker | null {
  if (!isStartedInOrder(service)) return null;
  for (const [name, other] of state.services) {
    if (other.rank >= service.rank) continue;
    const spawning = other.machine.state.kind === "Spawning";
    const toCome = isStartedInOrder(other) && !other.machine.attempted &&
      !waitsOutside(state, other);
    if (spawning || toCome) return { what: `${name} (earlier in order)`, external: false };
  }
  return null;
}

function isStartedInOrder({ machine }: SupervisedService): boolean {
  return machine.state.kind === "Waiting" && machine.state.inOrder;
}

/** Ends: dependencies have no cycle, and the order only looks at strictly lower ranks. */
function waitsOutside(state: SupervisorState, service: SupervisedService): boolean {
  const { state: waiting } = service.machine;
  if (waiting.kind === "Waiting" && waiting.retryAtMs !== null) return true;
  return startBlocker(state, service)?.external ?? false;
}
