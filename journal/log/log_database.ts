/**
 * Owns the log's SQLite file. Every method is synchronous and, where it changes something, durable
 * when it returns. Ends with `close`.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import {
  type Migration,
  openDatabase,
  StorageError,
  storageErrors,
  transaction,
} from "../storage/mod.ts";
import { BATCH_MAX_BYTES, BATCH_MAX_RECORDS, type LogExtent } from "./protocol.ts";
import type { LogRecord } from "./replicated_log.ts";

const MIGRATIONS: readonly Migration[] = [
  (database) =>
    database.exec(`
      CREATE TABLE entries (
        position INTEGER PRIMARY KEY,
        term INTEGER NOT NULL,
        checksum INTEGER NOT NULL,
        payload BLOB NOT NULL
      ) STRICT;
      CREATE TABLE extent (
        only INTEGER PRIMARY KEY CHECK (only = 0),
        term INTEGER NOT NULL,
        first_position INTEGER NOT NULL,
        last_position INTEGER NOT NULL
      ) STRICT;
      INSERT INTO extent VALUES (0, 1, 1, 0);
    `),
];

/** The records of a log with one member, in a SQLite file synced with each append. */
export class LogDatabase {
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #setExtent: StatementSync;
  readonly #select: StatementSync;
  #extent: LogExtent;

  /**
   * Opens or creates the file and reads every record once to check it.
   *
   * @throws {StorageError} naming the file and the record that is damaged (JRN-65).
   */
  constructor(path: string) {
    this.#path = path;
    this.#database = openDatabase({
      path,
      what: "log",
      synchronous: "FULL",
      migrations: MIGRATIONS,
    });
    try {
      this.#insert = this.#database.prepare("INSERT INTO entries VALUES (?, ?, ?, ?)");
      this.#setExtent = this.#database.prepare(
        "UPDATE extent SET term = ?, first_position = ?, last_position = ?",
      );
      this.#select = this.#database.prepare(
        "SELECT position, term, checksum, payload FROM entries WHERE position >= ? ORDER BY position LIMIT ?",
      );
      this.#select.setReadBigInts(true);
      this.#extent = storageErrors(path, () => this.#readExtent());
      storageErrors(path, () => this.#verifyRecords());
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  /** What the file holds. */
  get extent(): LogExtent {
    return this.#extent;
  }

  /** Appends `payloads` as one transaction, synced before this returns. */
  append(payloads: readonly Uint8Array[]): void {
    const { term, firstIndex, lastIndex } = this.#extent;
    const extent = { term, firstIndex, lastIndex: lastIndex + BigInt(payloads.length) };
    storageErrors(this.#path, () =>
      transaction(this.#database, () => {
        let index = lastIndex;
        for (const payload of payloads) {
          index++;
          this.#insert.run(index, term, checksum(index, term, payload), payload);
        }
        this.#store(extent);
      }));
    this.#extent = extent;
  }

  /** Records from `fromIndex` on, as many as fit one batch; at least one if there is one. */
  read(fromIndex: bigint): LogRecord[] {
    return storageErrors(this.#path, () => {
      const records: LogRecord[] = [];
      let bytes = 0;
      for (const row of this.#select.iterate(fromIndex, BATCH_MAX_RECORDS)) {
        const record = this.#decode(row);
        bytes += record.payload.byteLength;
        if (records.length > 0 && bytes > BATCH_MAX_BYTES) break;
        records.push(record);
      }
      return records;
    });
  }

  /** Deletes records up to `toIndex` inclusive; one that is gone already is no error. */
  compact(toIndex: bigint): void {
    const { term, firstIndex, lastIndex } = this.#extent;
    const end = toIndex < lastIndex ? toIndex : lastIndex;
    if (end < firstIndex) return;
    const extent = { term, firstIndex: end + 1n, lastIndex };
    storageErrors(this.#path, () =>
      transaction(this.#database, () => {
        this.#database.prepare("DELETE FROM entries WHERE position <= ?").run(end);
        this.#store(extent);
      }));
    this.#extent = extent;
  }

  /** Folds the write-ahead log into the file and closes it. */
  close(): void {
    this.#database.close();
  }

  #store({ term, firstIndex, lastIndex }: LogExtent): void {
    this.#setExtent.run(term, firstIndex, lastIndex);
  }

  #readExtent(): LogExtent {
    const statement = this.#database.prepare("SELECT * FROM extent");
    statement.setReadBigInts(true);
    const row = statement.get();
    const { term, first_position, last_position } = row ?? {};
    if (
      typeof term !== "bigint" || typeof first_position !== "bigint" ||
      typeof last_position !== "bigint" || last_position < first_position - 1n
    ) {
      throw this.#corrupt("table extent", "the record of the log's extent is unreadable");
    }
    return { term, firstIndex: first_position, lastIndex: last_position };
  }

  /** Reads all records in bounded batches: none missing, none changed. */
  #verifyRecords(): void {
    const { firstIndex, lastIndex } = this.#extent;
    let expected = firstIndex;
    for (let batch = this.read(expected); batch.length > 0; batch = this.read(expected)) {
      for (const { index } of batch) {
        if (index !== expected) throw this.#corrupt(`record ${expected}`, "the record is missing");
        expected++;
      }
    }
    if (expected !== lastIndex + 1n) {
      throw this.#corrupt(
        `record ${expected}`,
        `the log should reach record ${lastIndex} and does not`,
      );
    }
    const before = this.#database.prepare("SELECT position FROM entries WHERE position < ?");
    if (before.get(firstIndex) !== undefined) {
      throw this.#corrupt(`record ${firstIndex}`, "there are records before the first");
    }
  }

  #decode(row: Record<string, unknown>): LogRecord {
    const { position, term, checksum: stored, payload } = row;
    if (typeof position !== "bigint") throw this.#corrupt("table entries", "no position");
    if (
      typeof term !== "bigint" || typeof stored !== "bigint" ||
      !(payload instanceof Uint8Array) || BigInt(checksum(position, term, payload)) !== stored
    ) {
      throw this.#corrupt(`record ${position}`, "the checksum does not match the bytes");
    }
    return { index: position, term, payload };
  }

  #corrupt(position: string, detail: string): StorageError {
    return new StorageError(
      "corrupt",
      this.#path,
      `${detail}; restore the data directory from a backup or another member`,
      { position },
    );
  }
}

function checksum(index: bigint, term: bigint, payload: Uint8Array): number {
  const position = Buffer.alloc(16);
  position.writeBigUInt64BE(index, 0);
  position.writeBigUInt64BE(term, 8);
  return crc32(payload, crc32(position));
}
