import { materialText } from "../../common/capability/mod.ts";
import type { AuditNote, CommandOf } from "./commands.ts";
import { type CommandResult, numberKey } from "./documents.ts";
import { reject, type Transaction } from "./transaction.ts";

/** Audit records the replicated state keeps; the store archives older ones (AUD-3). */
const MAX_AUDIT_RECORDS = 100_000;

/** Largest capability report, in bytes of JSON (journal.md 2.3). */
const MAX_REPORT_BYTES = 32 * 1024;

/** How long a replaced CA certificate stays trusted, in milliseconds (CRT-1). */
const CA_OVERLAP_MS = 600_000;

/** Appends an audit record and lets the oldest go when there are too many. */
export function recordOperation(
  tx: Transaction,
  { operation }: CommandOf<"RecordOperation">,
): CommandResult {
  if (operation.actor.principal === "") reject("INVALID_ARGUMENT", "author principal required");
  if (operation.actor.role === "") reject("INVALID_ARGUMENT", "author role required");
  return { kind: "Ok", id: addRecord(tx, operation) };
}

/** Appends the record of the command that is being applied (AUD-5). */
export function recordSuccess(tx: Transaction, note: AuditNote): void {
  const { operation_type, scope, detail, source, metadata, outcome = "Success" } = note;
  const { actor } = tx;
  addRecord(tx, { operation_type, scope, detail, source, metadata, actor, outcome });
}

function addRecord(tx: Transaction, operation: CommandOf<"RecordOperation">["operation"]): string {
  const { audit_first: first, audit_next: next } = tx.counters;
  const id = `op-${next}`;
  const timestamp = operation.timestamp ?? tx.timestamp;
  tx.put("audit", numberKey(next), { ...operation, id, timestamp });
  const full = next - first >= MAX_AUDIT_RECORDS;
  if (full) tx.delete("audit", numberKey(first));
  const counters = tx.count();
  counters.audit_next = next + 1;
  if (full) counters.audit_first = first + 1;
  return id;
}

/** Replaces a node's capability report; an entry tells of it when it is news (CAP-3). */
export function reportCapability(
  tx: Transaction,
  { node_id, report }: CommandOf<"ReportCapability">,
): CommandResult {
  const text = JSON.stringify(report);
  if (new TextEncoder().encode(text).byteLength > MAX_REPORT_BYTES) {
    reject("INVALID_ARGUMENT", `capability report larger than ${MAX_REPORT_BYTES} bytes`);
  }
  const former = tx.get("capabilities", node_id);
  tx.put("capabilities", node_id, { reported_at: tx.timestamp, report });
  if (former !== undefined && materialText(former.report) === materialText(report)) {
    return { kind: "Ok" };
  }
  const entry = tx.record({ entry_type: "CapabilityChange", scope: { Node: node_id } });
  return { kind: "Ok", sequence: entry.sequence };
}

/**
 * Replaces the CA certificate of one journal. The former one stays in the bundle for ten minutes
 * under the key `ID@replaced`, so that agents can change over (CRT-1).
 */
export function publishCa(tx: Transaction, command: CommandOf<"PublishCa">): CommandResult {
  const { journal_node_id, certificate_pem, not_after } = command;
  const former = tx.get("ca_bundle", journal_node_id);
  if (former !== undefined && former.certificate_pem !== certificate_pem) {
    tx.put("ca_bundle", `${journal_node_id}@replaced`, {
      ...former,
      remove_after: new Date(tx.nowMs + CA_OVERLAP_MS).toISOString(),
    });
  }
  tx.put("ca_bundle", journal_node_id, { certificate_pem, not_after });
  return { kind: "Ok" };
}
