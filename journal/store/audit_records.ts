import type { DatabaseSync } from "node:sqlite";
import { scopeText } from "../../common/model/mod.ts";
import type { AuditRecord } from "../state/mod.ts";
import { recordsOfRow } from "./audit_rows.ts";
import { ROW_DOCUMENTS } from "./numbered_rows.ts";
import type { AuditQuery } from "./queries.ts";

/** Rows read at once. */
const PAGE_ROWS = 512 / ROW_DOCUMENTS;

/** Audit records of the replicated state from number `first` on, read page by page. */
export function* auditRecords(
  database: DatabaseSync,
  first: number,
  query: AuditQuery,
): Generator<AuditRecord[]> {
  const descending = query.descending === true;
  const statement = database.prepare(
    `SELECT number, json FROM audit WHERE number > ? AND number < ?
     ORDER BY number ${descending ? "DESC" : "ASC"} LIMIT ${PAGE_ROWS}`,
  );
  let left = query.limit ?? Infinity;
  // The row that `first` is in may begin before it.
  let above = first - ROW_DOCUMENTS;
  let below = Number.MAX_SAFE_INTEGER;
  while (left > 0) {
    const rows = statement.all(above, below);
    const last = rows.at(-1);
    if (last === undefined) return;
    if (descending) below = Number(last["number"]);
    else above = Number(last["number"]);
    const page = rows
      .flatMap((row) => {
        const records = recordsFrom(first, Number(row["number"]), String(row["json"]));
        return descending ? records.reverse() : records;
      })
      .filter((record) => matches(record, query))
      .slice(0, left);
    left -= page.length;
    yield page;
  }
}

/** The records from number `first` on of a row that begins with `number`. */
function recordsFrom(first: number, number: number, json: string): AuditRecord[] {
  return recordsOfRow(json).slice(Math.max(0, first - number));
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
