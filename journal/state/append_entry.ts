import {
  countItems,
  type Entry,
  type EntryDraft,
  isClientWritable,
  MAX_DELTA_ITEMS,
  type Scope,
  scopeText,
  TTL_MAX_SECONDS,
  TTL_MIN_SECONDS,
} from "../../common/model/mod.ts";
import { redeemForEntry } from "./approvals.ts";
import type { CommandOf } from "./commands.ts";
import {
  followConflicts,
  localChangesSince,
  openConflicts,
  refuseConflicting,
} from "./conflicts.ts";
import { declare, declareExactly, expiryMs } from "./declared.ts";
import { type CommandResult, numberKey } from "./documents.ts";
import {
  checkEmergencyEnd,
  checkEmergencyStart,
  closeEmergency,
  emergencyWindowSeconds,
  endsOwnEmergency,
  openEmergency,
} from "./emergency.ts";
import { emergencyOf, followEntry } from "./node_state.ts";
import { mergeReplayed, recordSuperseded } from "./replayed_emergency.ts";
import { planRollback, type RollbackPlan } from "./rollback.ts";
import { checkServices } from "./service_check.ts";
import { reject, type Transaction } from "./transaction.ts";

/** How far back and ahead of the leader's clock a replayed entry may date itself (JRN-24). */
const REPLAY_PAST_MS = 30 * 24 * 3_600_000;
const REPLAY_FUTURE_MS = 60_000;

/** Marks, in `policy_ref`, what an agent did while the journal was out of reach (JRN-24). */
const REPLAYED = "degraded:";

/** Validates and appends a client's entry and follows what it means for the state (JRN-22). */
export function appendEntry(tx: Transaction, command: CommandOf<"AppendEntry">): CommandResult {
  const sent = draftOf(tx, command.entry);
  checkEntry(tx, sent);
  redeemForEntry(tx, command);
  const { draft, superseded, isMergedStart = false } = mergeReplayed(
    tx,
    sent,
    command.end_emergency ?? false,
  );
  checkExpectedHead(tx, draft.scope, command.expected_head);
  refuseConflicting(tx, draft);
  const localSince = localChangesSince(draft);
  const rollback = draft.entry_type === "Rollback" ? planRollback(tx, draft) : undefined;
  if (draft.entry_type === "EmergencyStart" && !isMergedStart) {
    checkEmergencyStart(tx, draft.scope, draft.author, draft.emergency_reason ?? "");
  }
  if (draft.entry_type === "EmergencyEnd") {
    checkEmergencyEnd(tx, draft.scope, draft.author, command.force ?? false);
  }
  const endsEmergency = !isMergedStart && endsOwnEmergency(tx, command, draft.author);
  const entry = tx.append(withRollback(inEmergency(tx, draft), rollback));
  takeEffect(tx, entry, rollback);
  if (superseded !== undefined) recordSuperseded(tx, superseded, entry);
  if (command.check_services === true) checkServices(tx, entry);
  if (localSince !== undefined) openConflicts(tx, entry, localSince);
  if (endsEmergency) {
    const end = tx.record({
      entry_type: "EmergencyEnd",
      scope: entry.scope,
      author: entry.author,
      parent: entry.sequence,
    });
    takeEffect(tx, end, undefined);
  }
  return { kind: "EntryAppended", sequence: entry.sequence };
}

function draftOf(tx: Transaction, entry: CommandOf<"AppendEntry">["entry"]): EntryDraft {
  const base = { ...entry, timestamp: tx.timestamp, request_id: tx.requestId };
  const replayed = (entry.policy_ref ?? "").startsWith(REPLAYED) ? entry.timestamp : undefined;
  if (replayed === undefined) return base;
  const at = Math.min(
    Math.max(Date.parse(replayed), tx.nowMs - REPLAY_PAST_MS),
    tx.nowMs + REPLAY_FUTURE_MS,
  );
  return { ...base, timestamp: new Date(at).toISOString(), received_at: tx.timestamp };
}

function checkEntry(tx: Transaction, draft: EntryDraft): void {
  if (draft.author.principal === "") reject("INVALID_ARGUMENT", "author principal required");
  if (draft.author.role === "") reject("INVALID_ARGUMENT", "author role required");
  if (!isClientWritable(draft.entry_type)) {
    reject("INVALID_ARGUMENT", "entry type not client-writable");
  }
  const ttl = draft.ttl_seconds ?? 0;
  if (ttl !== 0 && ttl < TTL_MIN_SECONDS) {
    reject("TTL_OUT_OF_BOUNDS", "TTL must be >= 900 seconds (15 minutes)");
  }
  if (ttl > TTL_MAX_SECONDS) {
    reject("TTL_OUT_OF_BOUNDS", "TTL must be <= 864000 seconds (10 days)");
  }
  if (draft.state_delta !== undefined && countItems(draft.state_delta) > MAX_DELTA_ITEMS) {
    reject("INVALID_ARGUMENT", `more than ${MAX_DELTA_ITEMS} items in one delta`);
  }
  if (draft.parent !== undefined && draft.parent >= tx.counters.next_sequence) {
    reject("PRECONDITION", "parent must precede entry");
  }
}

/** Refuses when someone else changed the scope since the caller looked (JRN-25). */
function checkExpectedHead(tx: Transaction, scope: Scope, expected: number | undefined): void {
  if (expected === undefined) return;
  const head = tx.get("scope_heads", scopeText(scope))?.state_changing;
  if (head !== undefined && head > expected) {
    reject("CONFLICT", `CONFLICT: expected sequence ${expected}, head is ${head}`);
  }
}

/** What an open emergency adds to a node's entry: the reference, and a TTL (EMG-5, JRN-33). */
function inEmergency(tx: Transaction, draft: EntryDraft): EntryDraft {
  const session = sessionOver(tx, draft.scope);
  if (session === undefined) return draft;
  const referenced = { ...draft, policy_ref: draft.policy_ref ?? `emergency:${session}` };
  const needsTtl = draft.entry_type === "Commit" && (draft.ttl_seconds ?? 0) === 0 &&
    draft.scope !== "Global" && "Node" in draft.scope;
  if (!needsTtl) return referenced;
  const window = emergencyWindowSeconds(tx, draft.scope);
  return { ...referenced, ttl_seconds: Math.max(window, TTL_MIN_SECONDS) };
}

function sessionOver(tx: Transaction, scope: Scope): string | undefined {
  if (scope === "Global") return undefined;
  if ("Node" in scope) return emergencyOf(tx, scope.Node);
  return tx.get("open_emergencies", scopeText(scope))?.session_id;
}

function withRollback(draft: EntryDraft, plan: RollbackPlan | undefined): EntryDraft {
  return plan === undefined ? draft : { ...draft, state_delta: plan.delta };
}

function takeEffect(tx: Transaction, entry: Entry, rollback: RollbackPlan | undefined): void {
  if (entry.entry_type === "Commit") {
    declare(tx, entry);
    rememberExpiry(tx, entry);
  }
  if (rollback !== undefined) declareExactly(tx, entry.scope, rollback.target);
  followConflicts(tx, entry);
  if (entry.entry_type === "EmergencyStart") openEmergency(tx, entry);
  if (entry.entry_type === "EmergencyEnd") closeEmergency(tx, entry);
  followEntry(tx, entry);
}

function rememberExpiry(tx: Transaction, entry: Entry): void {
  const expiry = expiryMs(entry);
  if (expiry === undefined || entry.scope === "Global" || !("Node" in entry.scope)) return;
  tx.put("ttls", numberKey(entry.sequence), {
    sequence: entry.sequence,
    node_id: entry.scope.Node,
    expires_at: new Date(expiry).toISOString(),
  });
}
