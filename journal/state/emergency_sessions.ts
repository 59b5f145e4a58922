/**
 * Emergency sessions by their own commands.
 *
 * | state | command              | next                                                  |
 * |-------|----------------------|-------------------------------------------------------|
 * | none  | OpenEmergency        | open; a second one over the scope is refused          |
 * | open  | CloseEmergency       | ended, by the opener or with force                    |
 * | open  | MarkEmergenciesStale | open and stale, once past its end (EMG-4)             |
 * | ended | any                  | unchanged                                             |
 *
 * @module
 */
import { appendEntry } from "./append_entry.ts";
import type { CommandOf } from "./commands.ts";
import type { CommandResult, Emergency } from "./documents.ts";
import { recordOperation } from "./operations.ts";
import { reject, type Transaction } from "./transaction.ts";

/** Opens a session of the actor's. */
export function openSession(
  tx: Transaction,
  { scope, reason, policy_ref }: CommandOf<"OpenEmergency">,
): CommandResult {
  const result = appendEntry(tx, {
    type: "AppendEntry",
    entry: {
      entry_type: "EmergencyStart",
      scope,
      author: tx.actor,
      emergency_reason: reason,
      policy_ref,
    },
  });
  return result.kind === "EntryAppended"
    ? { kind: "Ok", sequence: result.sequence, id: `em-${result.sequence}` }
    : result;
}

/** Ends a session; who is not its opener needs force (EMG-3). */
export function closeSession(
  tx: Transaction,
  { session_id, force, policy_ref }: CommandOf<"CloseEmergency">,
): CommandResult {
  const session = tx.get("emergencies", session_id);
  if (session === undefined || session.ended_at !== undefined) {
    reject("NO_EMERGENCY", `NO_EMERGENCY: no open emergency session ${session_id}`);
  }
  const result = appendEntry(tx, {
    type: "AppendEntry",
    entry: { entry_type: "EmergencyEnd", scope: session.scope, author: tx.actor, policy_ref },
    force,
  });
  return result.kind === "EntryAppended"
    ? { kind: "Ok", sequence: result.sequence, id: session_id }
    : result;
}

/** Holds sessions past their end to be stale; nothing is rolled back (EMG-4). */
export function markStale(
  tx: Transaction,
  { session_ids }: CommandOf<"MarkEmergenciesStale">,
): CommandResult {
  for (const id of session_ids) {
    const session = tx.get("emergencies", id);
    if (session === undefined || !isEmergencyOverdue(session, tx.nowMs)) continue;
    tx.put("emergencies", id, { ...session, stale_since: tx.timestamp });
    recordOperation(tx, {
      type: "RecordOperation",
      operation: {
        actor: tx.actor,
        operation_type: "EmergencyStale",
        scope: session.scope,
        outcome: "Success",
        detail:
          `emergency session ${id} of ${session.principal} is stale: hold jobs off until it is ended`,
        source: "journal",
        metadata: { session: id },
      },
    });
  }
  return { kind: "Ok" };
}

/** Open past its end, and not yet held to be stale. */
export function isEmergencyOverdue(session: Emergency, nowMs: number): boolean {
  return session.ended_at === undefined && session.stale_since === undefined &&
    Date.parse(session.expires_at) <= nowMs;
}
