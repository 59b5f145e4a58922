/**
 * Queries for entries as SQL. Where a scope or types are asked for, the index says which blocks to
 * look into; the entries of those are then taken one by one.
 *
 * @module
 */
import type { SQLInputValue } from "node:sqlite";
import { scopeText } from "../../common/model/mod.ts";
import { BLOCK_ENTRIES, type BlockKind, blockOf } from "./entry_blocks.ts";
import type { EntryQuery } from "./queries.ts";

/** A statement and the values it is run with. */
export interface Sql {
  readonly sql: string;
  readonly values: readonly SQLInputValue[];
}

/** Sequence and JSON of the first `limit` entries of `query`, in its order. */
export function entriesFor(query: EntryQuery, limit: number): Sql {
  const order = query.descending === true ? "DESC" : "ASC";
  const where = conditions(query);
  const blocks = blocksFor(query);
  const sql = blocks === undefined
    ? `SELECT sequence, json FROM entries ${where.sql} ORDER BY sequence ${order} LIMIT ?`
    : `SELECT sequence, json FROM (${blocks.sql}) CROSS JOIN entries
         ON sequence BETWEEN block * ${BLOCK_ENTRIES} AND (block + 1) * ${BLOCK_ENTRIES} - 1
       ${where.sql} ORDER BY block ${order}, sequence ${order} LIMIT ?`;
  return { sql, values: [...blocks?.values ?? [], ...where.values, limit] };
}

/** The blocks that hold what is asked for, and others; undefined when any block may. */
function blocksFor(query: EntryQuery): Sql | undefined {
  const [kind, names] = soughtBy(query);
  if (names.length === 0) return undefined;
  const first = blockOf(query.fromSequence ?? 0);
  const last = blockOf(query.toSequence ?? Number.MAX_SAFE_INTEGER);
  return {
    sql: names.map(() => BLOCKS).join(" UNION "),
    values: names.flatMap((name) => [kind, name, first, last]),
  };
}

const BLOCKS =
  "SELECT block FROM entry_blocks WHERE kind = ? AND name = ? AND block BETWEEN ? AND ?";

function soughtBy(query: EntryQuery): [kind: BlockKind, names: readonly string[]] {
  const { scope, types = [] } = query;
  if (scope === undefined) return ["type", [...new Set(types)]];
  const vclusterId = vclusterWithNodes(query);
  return vclusterId === undefined ? ["scope", [scopeText(scope)]] : ["vcluster", [vclusterId]];
}

/** The vCluster whose entries are asked for together with those of its nodes. */
function vclusterWithNodes({ scope, includeMemberNodes }: EntryQuery): string | undefined {
  if (includeMemberNodes !== true || scope === undefined || scope === "Global") return undefined;
  return "VCluster" in scope ? scope.VCluster : undefined;
}

function conditions(query: EntryQuery): Sql {
  const terms: string[] = [];
  const values: SQLInputValue[] = [];
  const add = (term: string, value: SQLInputValue | undefined) => {
    if (value === undefined) return;
    terms.push(term);
    values.push(value);
  };
  const { scope, types } = query;
  const vclusterId = vclusterWithNodes(query);
  if (vclusterId !== undefined) add("vcluster = ?", vclusterId);
  else if (scope !== undefined) add("scope = ?", scopeText(scope));
  if (types !== undefined) {
    add("type IN (SELECT value FROM json_each(?))", JSON.stringify(types));
  }
  add("sequence >= ?", query.fromSequence);
  add("sequence <= ?", query.toSequence);
  add("at_ms >= ?", query.sinceMs);
  add("at_ms <= ?", query.untilMs);
  return { sql: terms.length === 0 ? "" : `WHERE ${terms.join(" AND ")}`, values };
}
