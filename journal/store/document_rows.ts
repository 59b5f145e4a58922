/**
 * How documents lie in the state database. Most are rows of one table under their collection and
 * key. What comes with every command lies in tables of its own under its number, many to a row: audit
 * records, and what is remembered of a request, where the documents in `request_ids` and
 * `request_order` are one. Requests that are forgotten go with the row they are in.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import {
  type AuditRecord,
  COLLECTION_NAMES,
  type CollectionName,
  COUNTERS_KEY,
  type Doc,
  type DocumentChanges,
  type DocumentTables,
  emptyTables,
} from "../state/mod.ts";
import { auditRow, recordsOfRow } from "./audit_rows.ts";
import { NumberedRows } from "./numbered_rows.ts";
import type { Redo, WriteStatement } from "./redo.ts";
import { NUMBERED } from "./stored_documents.ts";

/** What is remembered of one request. */
interface Request extends Doc<"request_order"> {
  readonly type: Doc<"request_ids">["type"] | undefined;
  readonly result: Doc<"request_ids">["result"] | undefined;
}

/** Writes documents; the statements it needs stay prepared. */
export class DocumentRows {
  readonly #put: WriteStatement;
  readonly #delete: WriteStatement;
  readonly #audit: NumberedRows<AuditRecord>;
  readonly #requests: NumberedRows<Request>;
  readonly #mergeRequest: WriteStatement;
  /** What changed since it was last saved: each document once, as it is now. */
  readonly #unsaved: DocumentTables = emptyTables();
  /** Audit records below it are past retention, in the archive too (AUD-4). */
  readonly #auditKept = new Advance();
  /** Requests below it are forgotten. */
  readonly #requestsKept = new Advance();

  constructor(database: DatabaseSync, redo: Redo) {
    this.#put = redo.prepare("INSERT OR REPLACE INTO documents VALUES (?, ?, ?)");
    this.#delete = redo.prepare("DELETE FROM documents WHERE collection = ? AND key = ?");
    this.#audit = new NumberedRows(database, redo, "audit", {
      textOf: auditRow,
      documentsOf: recordsOfRow,
    });
    this.#requests = new NumberedRows(database, redo, "requests", {
      textOf: JSON.stringify,
      documentsOf: JSON.parse,
    });
    this.#mergeRequest = redo.prepare(
      `INSERT INTO requests VALUES (?, json_array(json(?))) ON CONFLICT (number) DO UPDATE
         SET json = json_array(json_patch(json -> '$[0]', excluded.json -> '$[0]'))`,
    );
  }

  /**
   * Takes what one command changed in the collections `changed`, to be stored with the next
   * {@link save} at the latest. What has a number is never written again: it becomes text soon,
   * while it is at hand.
   */
  take(changes: DocumentChanges, changed: readonly CollectionName[]): void {
    for (const [key, record] of changes.audit) {
      // A record that left the state stays where it is: that is this member's archive (AUD-3).
      if (record !== undefined) this.#audit.add(Number(key), record);
    }
    for (const [key, request] of changes.request_order) {
      if (request === undefined) continue;
      this.#takeRequest(Number(key), request, changes.request_ids.get(request.request_key));
    }
    const counters = changes.settings.get(COUNTERS_KEY);
    this.#auditKept.note(counters?.audit_kept_from);
    this.#requestsKept.note(counters?.request_first);
    for (const collection of changed) {
      if (!NUMBERED.has(collection)) this.#takeKeyed(collection, changes);
    }
  }

  /** Stores what was taken. */
  save(): void {
    this.#audit.save();
    this.#auditKept.follow((number) => this.#audit.removeBefore(number));
    this.#requests.save();
    this.#requestsKept.follow((number) => this.#requests.dropRowsBefore(number));
    for (const collection of KEYED) this.#saveKeyed(collection);
  }

  /** Stores one document of an import; those of one request come one after the other. */
  import(collection: CollectionName, key: string, json: string): void {
    if (collection === "audit") {
      this.#audit.add(Number(key), JSON.parse(json));
      this.#audit.save();
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
    this.#requests.add(number, { request_key, at, type, result });
  }

  #takeKeyed<C extends CollectionName>(collection: C, changes: DocumentChanges): void {
    const unsaved = this.#unsaved[collection];
    for (const [key, document] of changes[collection]) unsaved.set(key, document);
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

/** A number that the state moves on, and how far the table has followed. */
class Advance {
  #to = 0;
  #followed = 0;

  note(number: number | undefined): void {
    this.#to = number ?? this.#to;
  }

  follow(move: (to: number) => void): void {
    if (this.#to === this.#followed) return;
    move(this.#to);
    this.#followed = this.#to;
  }
}

/** Collections whose documents are rows under their collection and key. */
const KEYED: readonly CollectionName[] = COLLECTION_NAMES.filter((name) => !NUMBERED.has(name));
