import {
  defaultPolicy,
  type Entry,
  type Identity,
  type Scope,
  scopeText,
} from "../../common/model/mod.ts";
import type { CommandOf } from "./commands.ts";
import { emergencyOf } from "./node_state.ts";
import { reject, type Transaction } from "./transaction.ts";

/** How long an emergency of `scope` lasts before it counts as stale (EMG-1). */
export function emergencyWindowSeconds(tx: Transaction, scope: Scope): number {
  const vcluster = vclusterOf(tx, scope);
  return (tx.get("policies", vcluster) ?? defaultPolicy(vcluster)).emergency_window_seconds;
}

/** Refuses machines: emergencies are for people (EMG-6). */
export function refuseMachine({ principal_type }: Identity): void {
  if (principal_type === "Human") return;
  reject("PERMISSION_DENIED", "only people start and end emergencies");
}

/** Refuses an EmergencyStart without person, reason or scope, or while one is open (EMG-1). */
export function checkEmergencyStart(
  tx: Transaction,
  scope: Scope,
  author: Identity,
  reason: string,
): void {
  refuseMachine(author);
  if (reason.trim() === "") reject("INVALID_ARGUMENT", "emergency reason required");
  if (scope === "Global") {
    reject("INVALID_ARGUMENT", "an emergency is declared for a node or a vCluster");
  }
  const open = "Node" in scope
    ? emergencyOf(tx, scope.Node)
    : tx.get("open_emergencies", scopeText(scope))?.session_id;
  if (open !== undefined) reject("EMERGENCY_ACTIVE", `EMERGENCY_ACTIVE: ${open}`);
}

/** Opens the session an EmergencyStart entry declares; its id follows from the sequence. */
export function openEmergency(tx: Transaction, entry: Entry): void {
  const id = `em-${entry.sequence}`;
  const window = emergencyWindowSeconds(tx, entry.scope);
  tx.put("emergencies", id, {
    id,
    scope: entry.scope,
    principal: entry.author.principal,
    reason: entry.emergency_reason ?? "",
    started_at: entry.timestamp,
    expires_at: new Date(Date.parse(entry.timestamp) + window * 1000).toISOString(),
    ...(entry.received_at === undefined ? {} : { opened_on_node: true }),
  });
  tx.put("open_emergencies", scopeText(entry.scope), { session_id: id });
}

/** Refuses to end an emergency that is not open, or is someone else's without force (EMG-3). */
export function checkEmergencyEnd(
  tx: Transaction,
  scope: Scope,
  author: Identity,
  force: boolean,
): void {
  refuseMachine(author);
  const { principal } = author;
  const session = openSession(tx, scope);
  if (session === undefined) {
    reject("NO_EMERGENCY", `NO_EMERGENCY: no emergency session on ${scopeText(scope)}`);
  }
  if (session.principal !== principal && !force) {
    reject(
      "PERMISSION_DENIED",
      `emergency session belongs to ${session.principal}; end it with force`,
    );
  }
}

/** Closes the session of the entry's scope. */
export function closeEmergency(tx: Transaction, entry: Entry): void {
  const session = openSession(tx, entry.scope);
  if (session === undefined) return;
  tx.put("emergencies", session.id, {
    ...session,
    ended_at: entry.timestamp,
    ended_by: entry.author.principal,
    forced: entry.author.principal !== session.principal,
  });
  tx.delete("open_emergencies", scopeText(entry.scope));
}

/** Whether a Commit or Rollback with `end_emergency` ends a session of its author here (EMG-3). */
export function endsOwnEmergency(
  tx: Transaction,
  command: CommandOf<"AppendEntry">,
  author: Identity,
): boolean {
  if (command.end_emergency !== true) return false;
  checkEmergencyEnd(tx, command.entry.scope, author, false);
  return true;
}

function openSession(tx: Transaction, scope: Scope) {
  const open = tx.get("open_emergencies", scopeText(scope));
  return open === undefined ? undefined : tx.get("emergencies", open.session_id);
}

function vclusterOf(tx: Transaction, scope: Scope): string {
  if (scope === "Global") return "_domain";
  if ("VCluster" in scope) return scope.VCluster;
  return tx.get("node_assignments", scope.Node)?.vcluster_id ?? "_domain";
}
