/**
 * Reads every document of the state in the order of the canonical export, whatever table it lies in
 * (see document_rows.ts).
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import { COUNTERS_KEY, numberKey } from "../state/mod.ts";
import { wholeRecords } from "./audit_rows.ts";
import { ROW_DOCUMENTS } from "./numbered_rows.ts";

/** A document as it is stored: collection, key, JSON. */
export type StoredDocument = readonly [collection: string, key: string, json: string];

/** Collections that lie in tables by number. */
export const NUMBERED: ReadonlySet<string> = new Set(["audit", "request_ids", "request_order"]);

/** Which documents are read, and how. */
export interface Reading {
  /** Collections that are left out. */
  readonly without?: ReadonlySet<string>;
  /**
   * Has `request_ids` come oldest first rather than sorted. That is quicker; and documents that are
   * loaded in the order in which they will go lie packed together (see packed_values.ts).
   */
  readonly isOldestFirst?: boolean;
}

/** Every document. */
export function* storedDocuments(
  database: DatabaseSync,
  { without = new Set(), isOldestFirst = false }: Reading = {},
): Generator<StoredDocument> {
  const names = database.prepare("SELECT DISTINCT collection FROM documents").all()
    .map(({ collection }) => String(collection));
  for (const collection of [...new Set([...names, ...NUMBERED])].sort()) {
    if (without.has(collection)) continue;
    for (const [key, json] of documentsOf(database, collection, isOldestFirst)) {
      yield [collection, key, json];
    }
  }
}

function documentsOf(
  database: DatabaseSync,
  collection: string,
  isOldestFirst: boolean,
): Iterable<[string, string]> {
  switch (collection) {
    case "audit":
      return auditRecords(database);
    case "request_ids":
      return requestIds(database, isOldestFirst ? "number, item.key" : "1");
    case "request_order":
      return requestOrder(database);
    default:
      return keysAndJson(
        database.prepare("SELECT key, json FROM documents WHERE collection = ? ORDER BY key")
          .iterate(collection),
      );
  }
}

/** What the state no longer counts as its own is this member's archive. */
function* auditRecords(database: DatabaseSync): Generator<[string, string]> {
  const first = counter(database, "audit_first");
  for (const [number, record] of numbered(database, "audit", first, wholeRecords)) {
    yield [numberKey(number), JSON.stringify(record)];
  }
}

function* requestOrder(database: DatabaseSync): Generator<[string, string]> {
  const first = counter(database, "request_first");
  for (const [number, { request_key, at }] of numbered(database, "requests", first, JSON.parse)) {
    yield [numberKey(number), JSON.stringify({ request_key, at })];
  }
}

/** In the order `by`: of their keys, SQLite finds it without all of them in memory. */
function requestIds(database: DatabaseSync, by: string): Iterable<[string, string]> {
  const first = counter(database, "request_first");
  return keysAndJson(
    database.prepare(`
      SELECT item.value ->> '$.request_key' AS key, json_set(
          json_remove(item.value, '$.request_key', '$.at'), '$.order', number + item.key
        ) AS json
      FROM requests CROSS JOIN json_each(requests.json) AS item
      WHERE number > ? AND number + item.key >= ?
      ORDER BY ${by}`).iterate(first - ROW_DOCUMENTS, first),
  );
}

/** Documents from number `first` on, in their order. */
function* numbered(
  database: DatabaseSync,
  table: "audit" | "requests",
  first: number,
  documentsOf: (text: string) => Iterable<Record<string, unknown>>,
): Generator<[number: number, document: Record<string, unknown>]> {
  const rows = database.prepare(
    `SELECT number, json FROM ${table} WHERE number > ? ORDER BY number`,
  )
    .iterate(first - ROW_DOCUMENTS);
  for (const row of rows) {
    let number = Number(row["number"]);
    for (const document of documentsOf(String(row["json"]))) {
      if (number >= first) yield [number, document];
      number++;
    }
  }
}

function* keysAndJson(rows: Iterable<Record<string, unknown>>): Generator<[string, string]> {
  for (const { key, json } of rows) yield [String(key), String(json)];
}

/** One of the state's counters; damage to them is told by whoever reads that document. */
function counter(database: DatabaseSync, name: "audit_first" | "request_first"): number {
  const { value } = database.prepare(
    `SELECT json ->> '$.${name}' AS value FROM documents
     WHERE collection = 'settings' AND key = '${COUNTERS_KEY}' AND json_valid(json)`,
  ).get() ?? {};
  return Number(value ?? 0);
}
