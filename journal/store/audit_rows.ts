/**
 * How audit records of consecutive numbers lie in one row: as a JSON array in which a record leaves
 * out every member that is as in the record before it. Who did what kind of thing where seldom
 * changes from one to the next, and what is not there need not be made into text, stored and folded.
 *
 * All members of a record are required, so one that leaves out none can stand anywhere.
 *
 * @module
 */
import { z } from "zod";
import { type AuditRecord, COLLECTIONS } from "../state/mod.ts";

/** The row of `records`, one at least. */
export function auditRow(records: readonly AuditRecord[]): string {
  let before: AuditRecord | undefined;
  const changes = records.map((record) => {
    const change = before === undefined ? record : changeOf(before, record);
    before = record;
    return change;
  });
  return JSON.stringify(changes);
}

/**
 * The records of a row.
 *
 * @throws {Error} when it holds something else.
 */
export function recordsOfRow(row: string): AuditRecord[] {
  return wholeRecords(row).map((record) => COLLECTIONS.audit.parse(record));
}

/** The records of a row as they are, for who passes them on or judges them himself. */
export function wholeRecords(row: string): Record<string, unknown>[] {
  let record = {};
  return ChangesSchema.parse(JSON.parse(row)).map((change) => record = { ...record, ...change });
}

const ChangesSchema = z.array(z.record(z.string(), z.unknown()));

/** The members of `record` that are not as in `before`. */
function changeOf(before: AuditRecord, record: AuditRecord): Partial<AuditRecord> {
  const change: Partial<AuditRecord> = { id: record.id, timestamp: record.timestamp };
  if (!isSame(before.actor, record.actor)) change.actor = record.actor;
  if (before.operation_type !== record.operation_type) {
    change.operation_type = record.operation_type;
  }
  if (!isSame(before.scope, record.scope)) change.scope = record.scope;
  if (before.outcome !== record.outcome) change.outcome = record.outcome;
  if (before.detail !== record.detail) change.detail = record.detail;
  if (before.source !== record.source) change.source = record.source;
  if (!isSame(before.metadata, record.metadata)) change.metadata = record.metadata;
  return change;
}

/** Whether two texts, or two objects of texts, are the same; makes no lists of their members. */
function isSame<T extends string | Readonly<Record<string, string>>>(one: T, other: T): boolean {
  if (typeof one === "string" || typeof other === "string") return one === other;
  let more = 0;
  for (const name in one) {
    if (one[name] !== other[name]) return false;
    more++;
  }
  for (const _ in other) more--;
  return more === 0;
}
