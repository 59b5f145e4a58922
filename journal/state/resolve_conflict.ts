import { appendEntry } from "./append_entry.ts";
import type { CommandOf } from "./commands.ts";
import { closeConflict, conflictDelta, conflictValueText } from "./conflicts.ts";
import type { CommandResult, Conflict } from "./documents.ts";
import { leaveNotice } from "./notices.ts";
import { recordOperation } from "./operations.ts";
import { reject, type Transaction } from "./transaction.ts";

/** Ends a conflict as a person decides, or by its grace period (journal.md 11.2). */
export function resolveConflict(
  tx: Transaction,
  { conflict_id, accept, message }: CommandOf<"ResolveConflict">,
): CommandResult {
  const conflict = tx.get("conflicts", conflict_id);
  if (conflict === undefined) reject("NOT_FOUND", "conflict ID not found");
  if (conflict.state !== "Open") {
    reject("PRECONDITION", `conflict ID already ${conflict.state}`);
  }
  switch (accept) {
    case "local":
      return acceptLocal(tx, conflict, message);
    case "journal":
      return acceptJournal(tx, conflict, message);
    case "expired":
      return overwrite(tx, conflict);
  }
}

/** The local value becomes a delta of the node, in the name of who decided. */
function acceptLocal(tx: Transaction, conflict: Conflict, message: string | undefined) {
  const closed = closeConflict(
    tx,
    conflict,
    "ResolvedLocal",
    message ?? describe(conflict, "local"),
  );
  const result = appendEntry(tx, {
    type: "AppendEntry",
    entry: {
      entry_type: "Commit",
      scope: { Node: conflict.node_id },
      author: tx.actor,
      policy_ref: `conflict:${conflict.id}`,
      message,
      state_delta: conflictDelta([conflict], "local"),
    },
  });
  const sequence = result.kind === "EntryAppended" ? result.sequence : closed.sequence;
  return { kind: "Ok" as const, sequence, id: conflict.id };
}

function acceptJournal(tx: Transaction, conflict: Conflict, message: string | undefined) {
  const text = describe(conflict, "journal");
  const entry = closeConflict(tx, conflict, "ResolvedJournal", message ?? text);
  recordLoss(tx, conflict, "ConflictResolve", text);
  return { kind: "Ok" as const, sequence: entry.sequence, id: conflict.id };
}

function overwrite(tx: Transaction, conflict: Conflict): CommandResult {
  if (Date.parse(conflict.deadline) > tx.nowMs) {
    reject("PRECONDITION", `conflict ID is open until ${conflict.deadline}`);
  }
  const text = `grace period expired, journal value applied: ${change(conflict)}`.slice(0, 4096);
  const entry = closeConflict(tx, conflict, "Overwritten", text);
  recordLoss(tx, conflict, "GraceOverwrite", text);
  leaveNotice(tx, entry, {
    kind: "overwrite",
    node_id: conflict.node_id,
    keys: [conflict.key],
    text,
    by: tx.actor.principal,
  });
  return { kind: "Ok", sequence: entry.sequence, id: conflict.id };
}

/** The value that lost stays on record (CR3). */
function recordLoss(tx: Transaction, conflict: Conflict, type: string, detail: string): void {
  const { id, node_id, category, key, reported_by, local, journal } = conflict;
  recordOperation(tx, {
    type: "RecordOperation",
    operation: {
      actor: tx.actor,
      operation_type: type,
      scope: { Node: node_id },
      outcome: "Success",
      detail,
      source: "journal",
      metadata: {
        conflict: id,
        key: `${category}:${key}`.slice(0, 4096),
        local: conflictValueText(local).slice(0, 65_536),
        journal: conflictValueText(journal).slice(0, 65_536),
        reported_by,
      },
    },
  });
}

function describe(conflict: Conflict, kept: "local" | "journal"): string {
  return `${kept} value kept: ${conflict.category}:${conflict.key}`.slice(0, 4096);
}

function change({ key, local, journal }: Conflict): string {
  return `${key} ${conflictValueText(local)} → ${conflictValueText(journal)}`;
}
