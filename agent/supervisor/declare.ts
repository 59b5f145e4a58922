import type { Actor } from "./actor.ts";
import type { ServiceDeclaration } from "./declaration.ts";
import { changeBetween } from "./diff.ts";
import { beginHealth } from "./health.ts";
import { planStart, type StartPlan } from "./plan.ts";
import { mayHaveProcess, newMachine } from "./service_state.ts";
import type { SupervisedService } from "./supervisor_state.ts";
import type { Turn } from "./turn.ts";

/**
 * Makes `declarations` the set to be supervised, touching only what differs (SVC-7).
 *
 * @throws {SupervisorError} when the set is invalid; the former set stays as it is (SVC-1)
 */
export function applyDeclarations(
  turn: Turn,
  declarations: readonly ServiceDeclaration[],
  by: Actor,
): void {
  const plan = planStart(declarations);
  for (const warning of plan.warnings) turn.warn("", warning);
  const before = turn.state.services;
  turn.state = { ...turn.state, services: merge(before, plan) };

  const respawned = new Set<string>();
  for (const declaration of plan.sequence) {
    const former = before.get(declaration.name);
    if (former === undefined || former.removed) bringBack(turn, declaration, by);
    else if (change(turn, former, declaration, by)) respawned.add(declaration.name);
  }
  for (const [name, { declaration, removed, machine }] of turn.state.services) {
    const follows = declaration.restartWith &&
      declaration.dependsOn.some((other) => respawned.has(other));
    if (removed) {
      turn.update(name, { pending: { then: "Stopped", by } });
    } else if (follows && mayHaveProcess(machine)) {
      turn.update(name, { pending: { then: "Starting", by } });
      respawned.add(name);
    }
  }
}

/** The new set in its start order, then what is to go. */
function merge(
  before: ReadonlyMap<string, SupervisedService>,
  plan: StartPlan,
): ReadonlyMap<string, SupervisedService> {
  const services = new Map<string, SupervisedService>();
  for (const declaration of plan.sequence) {
    const former = before.get(declaration.name);
    services.set(declaration.name, {
      declaration,
      rank: plan.ranks.get(declaration.name) ?? declaration.order,
      machine: former?.machine ?? newMachine(),
      health: former?.health ?? null,
      readiness: former?.readiness ?? null,
      pending: former?.pending ?? null,
      removed: false,
    });
  }
  for (const [name, former] of before) {
    if (!services.has(name)) services.set(name, { ...former, removed: true });
  }
  return services;
}

/** A service that is new, or that was on its way out. */
function bringBack(turn: Turn, { name, desired }: ServiceDeclaration, by: Actor): void {
  const service = turn.state.services.get(name);
  if (service === undefined || desired === "stopped") return;
  if (mayHaveProcess(service.machine)) turn.update(name, { pending: { then: "Starting", by } });
  else turn.feed(name, { kind: "start", by, inOrder: true });
}

/** Returns whether the service gets a new process for it. */
function change(
  turn: Turn,
  former: SupervisedService,
  declaration: ServiceDeclaration,
  by: Actor,
): boolean {
  const { name, desired } = declaration;
  const kind = changeBetween(former.declaration, declaration);
  if (kind === "none") return false;
  const { state } = former.machine;

  if (desired === "stopped") {
    if (former.declaration.desired !== "stopped") {
      turn.update(name, { pending: { then: "Stopped", by } });
    }
    return false;
  }
  const start = state.kind === "Failed" || former.declaration.desired === "stopped" ||
    (kind === "respawn" && (state.kind === "Restarting" ||
      (state.kind === "Stopped" && !state.onRequest)));
  if (start) {
    turn.update(name, { pending: null });
    turn.feed(name, { kind: "start", by, inOrder: true });
    return false;
  }
  if (kind === "respawn" && mayHaveProcess(former.machine)) {
    turn.update(name, { pending: { then: "Starting", by } });
    return true;
  }
  if (state.kind !== "Running") return false;
  if (kind === "limits") {
    turn.effects.push({ kind: "setLimits", name, run: former.machine.run, declaration });
  }
  if (JSON.stringify(former.declaration.healthCheck) !== JSON.stringify(declaration.healthCheck)) {
    turn.update(name, { health: beginHealth(declaration.healthCheck, turn.nowMs) });
  }
  return false;
}
