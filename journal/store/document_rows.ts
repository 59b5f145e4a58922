/**
 * How documents lie in the state database. Most are rows of one table under their collection and
 * key. What comes with every command lies in tables of its own under its number, so that rows of one
 * transaction are neighbours: audit records, and what is remembered of a request, whose documents in
 * `request_ids` and `request_order` share one row.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import {
  COLLECTION_NAMES,
  type CollectionName,
  COUNTERS_KEY,
  type Doc,
  type DocumentChanges,
  type DocumentTables,
  emptyTables,
  numberKey,
} from "../state/mod.ts";
import { BulkInsert } from "./bulk_insert.ts";

/** A document as it is stored: collection, key, JSON. */
export type StoredDocument = readonly [collection: string, key: string, json: string];

/** Writes documents; the statements it needs stay prepared. */
export class DocumentRows {
  readonly #put: StatementSync;
  readonly #delete: StatementSync;
  readonly #putAudit: BulkInsert;
  readonly #dropAudit: StatementSync;
  readonly #putRequest: BulkInsert;
  readonly #mergeRequest: StatementSync;
  readonly #deleteRequests: StatementSync;
  /** What changed since it was last saved: each document once, as it is now. */
  readonly #unsaved: DocumentTables = emptyTables();
  /** Audit records below it are past retention, in the archive too (AUD-4); and what of that is done. */
  #keptFrom = 0;
  #droppedBefore = 0;
  /** Numbers of requests to be deleted, rising. */
  #forgotten: number[] = [];

  constructor(database: DatabaseSync) {
    this.#put = database.prepare("INSERT OR REPLACE INTO documents VALUES (?, ?, ?)");
    this.#delete = database.prepare("DELETE FROM documents WHERE collection = ? AND key = ?");
    this.#putAudit = new BulkInsert(database, "INSERT OR REPLACE INTO audit", 2);
    this.#dropAudit = database.prepare("DELETE FROM audit WHERE number < ?");
    this.#putRequest = new BulkInsert(database, "INSERT OR REPLACE INTO requests", 2);
    this.#mergeRequest = database.prepare(
      `INSERT INTO requests VALUES (?, ?)
       ON CONFLICT (number) DO UPDATE SET json = json_patch(json, excluded.json)`,
    );
    this.#deleteRequests = database.prepare("DELETE FROM requests WHERE number BETWEEN ? AND ?");
  }

  /**
   * Takes what one command changed, to be stored with the next {@link save} at the latest. What has
   * a number is never written again: it becomes text at once, while it is at hand.
   */
  take(changes: DocumentChanges): void {
    for (const [key, record] of changes.audit) {
      // A record that left the state stays where it is: that is this member's archive (AUD-3).
      if (record !== undefined) this.#putAudit.add(Number(key), JSON.stringify(record));
    }
    this.#keptFrom = changes.settings.get(COUNTERS_KEY)?.audit_kept_from ?? this.#keptFrom;
    for (const [key, request] of changes.request_order) {
      if (request === undefined) this.#forgotten.push(Number(key));
      else this.#takeRequest(Number(key), request, changes.request_ids.get(request.request_key));
    }
    for (const collection of KEYED) this.#takeKeyed(collection, changes);
  }

  /** Stores what was taken. */
  save(): void {
    this.#putAudit.flush();
    if (this.#keptFrom > this.#droppedBefore) {
      this.#dropAudit.run(this.#keptFrom);
      this.#droppedBefore = this.#keptFrom;
    }
    this.#putRequest.flush();
    for (const [first, last] of runsOf(this.#forgotten)) this.#deleteRequests.run(first, last);
    this.#forgotten = [];
    for (const collection of KEYED) this.#saveKeyed(collection);
  }

  /** Stores one document of an import; those of one request come one after the other. */
  import(collection: CollectionName, key: string, json: string): void {
    if (collection === "audit") {
      this.#putAudit.add(Number(key), json);
      this.#putAudit.flush();
    } else if (collection === "request_ids") {
      const { order, ...result }: Doc<"request_ids"> = JSON.parse(json);
      this.#mergeRequest.run(order, JSON.stringify({ request_key: key, ...result }));
    } else if (collection === "request_order") {
      this.#mergeRequest.run(Number(key), json);
    } else {
      this.#put.run(collection, key, json);
    }
  }

  #takeRequest(
    number: number,
    { request_key, at }: Doc<"request_order">,
    first: Doc<"request_ids"> | undefined,
  ): void {
    const { type, result } = first ?? {};
    this.#putRequest.add(number, JSON.stringify({ request_key, at, type, result }));
  }

  #takeKeyed<C extends CollectionName>(collection: C, changes: DocumentChanges): void {
    const changed: DocumentChanges[C] = changes[collection];
    if (changed.size === 0) return;
    const unsaved = this.#unsaved[collection];
    for (const [key, document] of changed) unsaved.set(key, document);
  }

  #saveKeyed<C extends CollectionName>(collection: C): void {
    const unsaved = this.#unsaved[collection];
    if (unsaved.size === 0) return;
    for (const [key, document] of unsaved) {
      if (document === undefined) this.#delete.run(collection, key);
      else this.#put.run(collection, key, JSON.stringify(document));
    }
    unsaved.clear();
  }
}

/** Rising numbers as runs without a gap; requests are forgotten in their order, oldest first. */
function runsOf(numbers: readonly number[]): [first: number, last: number][] {
  const runs: [first: number, last: number][] = [];
  for (const number of numbers) {
    const run = runs.at(-1);
    if (run !== undefined && run[1] + 1 === number) run[1] = number;
    else runs.push([number, number]);
  }
  return runs;
}

/** Every document of the state in the order of the canonical export. */
export function* storedDocuments(database: DatabaseSync): Generator<StoredDocument> {
  const names = database.prepare("SELECT DISTINCT collection FROM documents").all()
    .map(({ collection }) => String(collection));
  for (const collection of new Set([...names, ...Object.keys(OWN_TABLES)].sort())) {
    const query = OWN_TABLES[collection];
    const rows = query === undefined
      ? database.prepare(DOCUMENTS).iterate(collection)
      : database.prepare(query).iterate();
    for (const { key, json } of rows) {
      yield [collection, typeof key === "number" ? numberKey(key) : String(key), String(json)];
    }
  }
}

const DOCUMENTS = "SELECT key, json FROM documents WHERE collection = ? ORDER BY key";

/** Collections that lie in tables of their own, and how their documents are read. */
const OWN_TABLES: { readonly [collection: string]: string } = {
  // What the state no longer counts as its own is this member's archive.
  audit: `SELECT number AS key, json FROM audit WHERE number >= ifnull((
      SELECT json ->> '$.audit_first' FROM documents
      WHERE collection = 'settings' AND key = 'counters'
    ), 0) ORDER BY number`,
  request_ids: `SELECT json ->> '$.request_key' AS key,
      json_set(json_remove(json, '$.request_key', '$.at'), '$.order', number) AS json
    FROM requests ORDER BY 1`,
  request_order: `SELECT number AS key, json_remove(json, '$.type', '$.result') AS json
    FROM requests ORDER BY number`,
};

/** Collections whose documents are rows under their collection and key. */
const KEYED: readonly CollectionName[] = COLLECTION_NAMES.filter((name) => !(name in OWN_TABLES));
