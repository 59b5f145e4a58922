import type { DatabaseSync } from "node:sqlite";
import { scopeText } from "../../common/model/mod.ts";
import { type AuditRecord, COLLECTIONS } from "../state/mod.ts";
import type { AuditQuery } from "./queries.ts";

/** Records read at once. */
const PAGE_RECORDS = 256;

/** Audit records of the replicated state from number `first` on, read page by page. */
export function* auditRecords(
  database: DatabaseSync,
  first: number,
  query: AuditQuery,
): Generator<AuditRecord[]> {
  const descending = query.descending === true;
  const statement = database.prepare(
    `SELECT number, json FROM audit WHERE number ${descending ? "<" : ">"} ? AND number >= ?
     ORDER BY number ${descending ? "DESC" : "ASC"} LIMIT ${PAGE_RECORDS}`,
  );
  let left = query.limit ?? Infinity;
  let cursor = descending ? Number.MAX_SAFE_INTEGER : -1;
  while (left > 0) {
    const rows = statement.all(cursor, first);
    const last = rows.at(-1);
    if (last === undefined) return;
    cursor = Number(last["number"]);
    const page = rows
      .map((row) => COLLECTIONS.audit.parse(JSON.parse(String(row["json"]))))
      .filter((record) => matches(record, query))
      .slice(0, left);
    left -= page.length;
    yield page;
  }
}

function matches(record: AuditRecord, query: AuditQuery): boolean {
  const at = Date.parse(record.timestamp);
  return (query.scope === undefined || scopeText(record.scope) === scopeText(query.scope)) &&
    (query.principal === undefined || record.actor.principal === query.principal) &&
    (query.outcome === undefined || record.outcome === query.outcome) &&
    (query.operationTypes?.includes(record.operation_type) ?? true) &&
    (query.sinceMs === undefined || at >= query.sinceMs) &&
    (query.untilMs === undefined || at <= query.untilMs);
}
