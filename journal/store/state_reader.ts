/**
 * Owns a read-only connection to a state database that a running journal may be writing, and one
 * transaction on it: whatever is read is of the moment of opening. Ends with `close`.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import { type CollectionName, COLLECTIONS, type Doc } from "../state/mod.ts";
import { openDatabaseForReading } from "../storage/mod.ts";
import { exportDatabase } from "./export_state.ts";
import { MIGRATIONS } from "./schema.ts";

/** The state of one moment, for reading alone. */
export class StateReader implements Disposable {
  readonly #database: DatabaseSync;

  /** @throws {StorageError} when there is no state database, or one this program cannot read. */
  constructor(path: string) {
    this.#database = openDatabaseForReading({
      path,
      what: "state database",
      migrations: MIGRATIONS,
    });
    this.#database.exec("BEGIN");
  }

  /** Position of the last log record that the state contains; index 0 for none. */
  get applied(): { readonly index: number; readonly term: number } {
    const { position, term } = this.#database.prepare("SELECT position, term FROM applied").get() ??
      {};
    return { index: Number(position), term: Number(term) };
  }

  /** One document. */
  get<C extends CollectionName>(collection: C, key: string): Doc<C> | undefined {
    const row = this.#database
      .prepare("SELECT json FROM documents WHERE collection = ? AND key = ?")
      .get(collection, key);
    if (row === undefined) return undefined;
    return COLLECTIONS[collection].parse(JSON.parse(String(row["json"]))) as Doc<C>;
  }

  /** The canonical export; the same lines each time. */
  export(): Generator<string> {
    return exportDatabase(this.#database);
  }

  close(): void {
    this.#database.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
