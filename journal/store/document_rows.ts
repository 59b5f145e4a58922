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
  type Doc,
  type DocumentTables,
  numberKey,
} from "../state/mod.ts";

/** A document as it is stored: collection, key, JSON. */
export type StoredDocument = readonly [collection: string, key: string, json: string];

/** Writes documents; the statements it needs stay prepared. */
export class DocumentRows {
  readonly #put: StatementSync;
  readonly #delete: StatementSync;
  readonly #putAudit: StatementSync;
  readonly #putRequest: StatementSync;
  readonly #mergeRequest: StatementSync;
  readonly #deleteRequest: StatementSync;

  constructor(database: DatabaseSync) {
    this.#put = database.prepare("INSERT OR REPLACE INTO documents VALUES (?, ?, ?)");
    this.#delete = database.prepare("DELETE FROM documents WHERE collection = ? AND key = ?");
    this.#putAudit = database.prepare("INSERT OR REPLACE INTO audit VALUES (?, ?)");
    this.#putRequest = database.prepare("INSERT OR REPLACE INTO requests VALUES (?, ?)");
    this.#mergeRequest = database.prepare(
      `INSERT INTO requests VALUES (?, ?)
       ON CONFLICT (number) DO UPDATE SET json = json_patch(json, excluded.json)`,
    );
    this.#deleteRequest = database.prepare("DELETE FROM requests WHERE number = ?");
  }

  /** Stores what changed, and forgets it. `firstResult` is what is remembered under a request's key. */
  save(
    unsaved: DocumentTables,
    firstResult: (requestKey: string) => Doc<"request_ids"> | undefined,
  ): void {
    for (const collection of COLLECTION_NAMES) {
      if (unsaved[collection].size === 0) continue;
      if (collection === "audit") this.#saveAudit(unsaved.audit);
      else if (collection === "request_order") this.#saveRequests(unsaved[collection], firstResult);
      else if (collection !== "request_ids") this.#saveDocuments(unsaved, collection);
      unsaved[collection].clear();
    }
  }

  /** Stores one document of an import; those of one request come one after the other. */
  import(collection: CollectionName, key: string, json: string): void {
    if (collection === "audit") {
      this.#putAudit.run(Number(key), json);
    } else if (collection === "request_ids") {
      const { order, ...result }: Doc<"request_ids"> = JSON.parse(json);
      this.#mergeRequest.run(order, JSON.stringify({ request_key: key, ...result }));
    } else if (collection === "request_order") {
      this.#mergeRequest.run(Number(key), json);
    } else {
      this.#put.run(collection, key, json);
    }
  }

  #saveDocuments<C extends CollectionName>(unsaved: DocumentTables, collection: C): void {
    for (const [key, document] of unsaved[collection]) {
      if (document === undefined) this.#delete.run(collection, key);
      else this.#put.run(collection, key, JSON.stringify(document));
    }
  }

  /** A record that left the state stays where it is: that is this member's archive (AUD-3). */
  #saveAudit(records: DocumentTables["audit"]): void {
    for (const [key, record] of records) {
      if (record !== undefined) this.#putAudit.run(Number(key), JSON.stringify(record));
    }
  }

  #saveRequests(
    requests: DocumentTables["request_order"],
    firstResult: (requestKey: string) => Doc<"request_ids"> | undefined,
  ): void {
    for (const [key, request] of requests) {
      if (request === undefined) {
        this.#deleteRequest.run(Number(key));
        continue;
      }
      const { type, result } = firstResult(request.request_key) ?? {};
      this.#putRequest.run(Number(key), JSON.stringify({ ...request, type, result }));
    }
  }
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
