/**
 * Owns the state database, the mirror of its documents in memory, and the transaction under way.
 * Everything a run of log records changed is stored in one transaction together with the index of
 * the last of them, so a crash leaves the state of some index, and the log replays the rest. Within
 * a transaction each document is written once, however often it changed. Ends with `close`.
 *
 * The file is written without a sync of its own (`synchronous=NORMAL`): losing the newest
 * transactions with the power costs only their replay.
 *
 * @module
 */
import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import type { Entry } from "../../common/model/mod.ts";
import {
  type AuditRecord,
  changedCollections,
  type CollectionName,
  COLLECTIONS,
  countersOf,
  type Doc,
  type DocumentChanges,
  type HistoryView,
  isCollectionName,
  type StateView,
} from "../state/mod.ts";
import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { LogPosition } from "../log/mod.ts";
import { openDatabase, StorageError, storageErrors, transaction } from "../storage/mod.ts";
import { auditRecords } from "./audit_records.ts";
import { BackgroundFold } from "./background_fold.ts";
import { DocumentMirror } from "./document_mirror.ts";
import { DocumentRows } from "./document_rows.ts";
import { EntryTable } from "./entry_table.ts";
import type { AuditQuery, EntryQuery } from "./queries.ts";
import { Redo, type WriteStatement } from "./redo.ts";
import { MIGRATIONS } from "./schema.ts";
import { type StoredDocument, storedDocuments } from "./stored_documents.ts";

/**
 * 32 MiB each of cached pages and of write-ahead log before it is folded into the file: folding
 * syncs, and the keys of one transaction lie all over the file.
 */
const TUNING = "PRAGMA cache_size = -32768; PRAGMA wal_autocheckpoint = 4096";

/** Gathering ends after so many records, so that no commit takes long. */
const MAX_GATHERED = 4096;

/** How a store is opened. */
export interface StoreOptions {
  /**
   * Gathers batches for so long into one transaction; without it each batch is one. What a crash
   * takes back is replayed from the log, as with any other loss of the newest transactions.
   */
  readonly gather?: { readonly clock: Clock; readonly forMs: number };
}

/** A store that gathers has its log folded by another thread after so many records. */
const FOLD_EVERY = 2000;

/**
 * Most commands whose changes wait for their transaction to begin, so that their turn does not take
 * long. They wait while the log is about to begin anew: where no moment passes without a transaction
 * it never would, and grow until this thread has to fold all of it and wait for the disk.
 */
const HELD_BACK_MAX = 512;

/** What one command changed, with what its entries count for. */
interface Written {
  readonly entries: readonly Entry[];
  readonly entryTexts: readonly string[];
  readonly vclusters: readonly (string | undefined)[];
  readonly changes: DocumentChanges;
  /** The collections among `changes` that hold any. */
  readonly changed: readonly CollectionName[];
}

/** Kept in the file alone: too many, and no command reads them. */
const COLD: ReadonlySet<CollectionName> = new Set<CollectionName>(["audit"]);

/** The state as of the last applied log record. */
export class StateStore implements StateView {
  readonly history: HistoryView;
  readonly #path: string;
  readonly #mirror = new DocumentMirror();
  #file: OpenFile;
  readonly #gather: StoreOptions["gather"];
  #gathered = 0;
  #fold: BackgroundFold;
  #unfolded = 0;
  /** What belongs to the next transaction, which has not begun: see {@link HELD_BACK_MAX}. */
  #heldBack: Written[] = [];
  #timer: TimerHandle | undefined;
  /** Why nothing can be stored any more. */
  #failure: unknown;
  #applied: LogPosition = { index: 0n, term: 0n };

  /**
   * Opens or creates the database at `path` and loads its documents.
   *
   * @throws {StorageError} when it is damaged, foreign or newer.
   */
  constructor(path: string, { gather }: StoreOptions = {}) {
    this.#path = path;
    this.#gather = gather;
    this.#file = openFile(path);
    this.#fold = new BackgroundFold(path);
    this.history = {
      entry: (sequence) => this.#entries.get(sequence),
      configEntries: (scope, from) => this.#entries.configEntries(scope, from),
    };
    try {
      this.#load();
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  /** Position of the last log record this state contains; index 0 for none. */
  get applied(): LogPosition {
    return this.#applied;
  }

  /** Sequence the next entry gets, which is also the number of entries. */
  get nextSequence(): number {
    return countersOf(this).next_sequence;
  }

  get<C extends CollectionName>(collection: C, key: string): Doc<C> | undefined {
    refuseCold(collection);
    return this.#mirror.get(collection, key);
  }

  list<C extends CollectionName>(collection: C, prefix = ""): Iterable<[string, Doc<C>]> {
    refuseCold(collection);
    return this.#mirror.list(collection, prefix);
  }

  /** Entries of `query`, page by page; other work may run between two pages. */
  entryPages(query: EntryQuery): Generator<Entry[]> {
    return this.#entries.pages(query);
  }

  /** Audit records of `query`, page by page. */
  auditPages(query: AuditQuery): Generator<AuditRecord[]> {
    const first = query.archived === true ? 0 : countersOf(this).audit_first;
    return auditRecords(this.database, first, query);
  }

  /**
   * Runs `work`, which calls {@link write} and {@link advance}: all of it is stored or nothing.
   *
   * @throws {StorageError} when the database cannot be written. Nothing is stored any more then, in
   * this call or a later one; what was written before stays readable through this store.
   */
  batch<T>(work: () => T): T {
    if (this.#failure !== undefined) throw this.#failure;
    return this.#guarded(() => {
      if (!this.#fold.isEndingLog || this.#heldBack.length >= HELD_BACK_MAX) this.#begin();
      const result = work();
      if (this.#gather === undefined || this.#gathered >= MAX_GATHERED) this.commit();
      else this.#commitLater(this.#gather);
      return result;
    });
  }

  /**
   * Ends the transaction under way: what was written is in the file for other connections too.
   *
   * @throws {StorageError} as {@link batch} does.
   */
  commit(): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#guarded(() => {
      if (this.#timer !== undefined) this.#gather?.clock.clearTimer(this.#timer);
      this.#timer = undefined;
      if (!this.#database.isTransaction && this.#gathered === 0) return;
      this.#begin();
      this.#save();
      this.#database.exec("COMMIT");
      this.#file.redo.forget();
      this.#unfolded += this.#gathered;
      this.#gathered = 0;
      if (this.#gather === undefined || this.#unfolded < FOLD_EVERY) return;
      this.#unfolded = 0;
      this.#fold.request();
    });
  }

  /** Stores what one command changed; `entryTexts` is the canonical JSON of each of `entries`. */
  write(
    entries: readonly Entry[],
    changes: DocumentChanges,
    entryTexts: readonly string[],
  ): void {
    const before = entries.map((entry) => this.#vclusterOf(entry));
    const changed = changedCollections(changes);
    for (const collection of changed) {
      if (!COLD.has(collection)) this.#mirror.absorb(collection, changes[collection]);
    }
    const vclusters = entries.map((entry, at) => this.#vclusterOf(entry) ?? before[at]);
    const written = { entries, changes, changed, entryTexts, vclusters };
    if (this.#database.isTransaction) this.#toFile(written);
    else this.#heldBack.push(written);
  }

  /** Notes that everything up to `position` is applied. */
  advance(position: LogPosition): void {
    this.#applied = position;
    this.#gathered++;
  }

  /** The database, for the other files of this folder; it holds all that was written. */
  get database(): DatabaseSync {
    if (this.#failure === undefined) this.commit();
    return this.#database;
  }

  /** Replaces all content by what `fill` imports, in one transaction, and loads it again. */
  replace(fill: () => void): void {
    this.commit();
    const before = this.#applied;
    try {
      transaction(this.#database, () => {
        this.#database.exec(
          `DELETE FROM entries; DELETE FROM entry_blocks; DELETE FROM documents;
           DELETE FROM audit; DELETE FROM requests`,
        );
        fill();
        this.#file.setApplied.run(this.#applied.index, this.#applied.term);
      });
    } catch (error) {
      this.#applied = before;
      throw error;
    } finally {
      this.#file.redo.forget();
    }
    this.#load();
  }

  /**
   * Replaces all content by the state database at `path`, which is moved here, and loads it. The
   * old content may be lost in a crash meanwhile: the caller can get the new one again.
   *
   * @throws {StorageError} when the new file cannot be used; the store must not be used then.
   */
  replaceFile(path: string): void {
    this.close();
    storageErrors(this.#path, () => {
      // Side files of the old content would be taken for the new one's.
      for (const suffix of ["-wal", "-shm"]) removeIfPresent(`${this.#path}${suffix}`);
      Deno.renameSync(path, this.#path);
    });
    this.#file = openFile(this.#path);
    this.#fold = new BackgroundFold(this.#path);
    this.#load();
  }

  /** One document of an import, in canonical JSON. */
  importDocument(collection: CollectionName, key: string, json: string): void {
    this.#file.documents.import(collection, key, json);
    this.#file.redo.forget();
  }

  /** One entry of an import, with the vCluster it counted for when it was written. */
  importEntry(entry: Entry, json: string, vclusterId: string | undefined): void {
    this.#entries.insert(entry, json, vclusterId);
    this.#entries.save();
    this.#file.redo.forget();
  }

  /** Folds the write-ahead log into the file and closes it. */
  close(): void {
    try {
      if (this.#failure === undefined) this.commit();
    } finally {
      this.#fold.stop();
      this.#database.close();
    }
  }

  get #database(): DatabaseSync {
    return this.#file.database;
  }

  /** The entries, all that were written among them. */
  get #entries(): EntryTable {
    if (this.#heldBack.length > 0) this.#begin();
    return this.#file.entries;
  }

  /** Has a transaction under way, and in it what was held back. */
  #begin(): void {
    if (this.#database.isTransaction) return;
    this.#guarded(() => {
      this.#database.exec("BEGIN IMMEDIATE");
      for (const written of this.#heldBack) this.#toFile(written);
      this.#heldBack = [];
    });
  }

  #toFile({ entries, changes, changed, entryTexts, vclusters }: Written): void {
    this.#file.documents.take(changes, changed);
    for (const [at, entry] of entries.entries()) {
      this.#file.entries.insert(entry, entryTexts[at] ?? "", vclusters[at]);
    }
  }

  /** Brings what waits outside of the database into the transaction under way. */
  #save(): void {
    this.#file.entries.save();
    this.#file.documents.save();
    this.#file.setApplied.run(this.#applied.index, this.#applied.term);
  }

  /** Runs what changes the database; a failure is final. */
  #guarded<T>(work: () => T): T {
    try {
      return storageErrors(this.#path, work);
    } catch (error) {
      if (this.#failure === undefined) this.#fail(error);
      throw error;
    }
  }

  /**
   * Memory is ahead of the file from now on, and nothing more may be stored over the gap. What was
   * written has been answered, though: it is read from a transaction that is never committed.
   */
  #fail(error: unknown): void {
    this.#failure = error;
    this.#gathered = 0;
    const { database, redo } = this.#file;
    try {
      // SQLite has rolled back by itself after some errors, a full disk among them.
      if (database.isTransaction) database.exec("ROLLBACK");
      // None of it goes to the disk, which may be what failed.
      database.exec("PRAGMA cache_spill = OFF; BEGIN");
      redo.again();
      for (const written of this.#heldBack) this.#toFile(written);
      this.#save();
      redo.forget();
    } catch {
      // What the file has is all there is to read then. The first failure is the one to tell of.
      if (database.isTransaction) database.exec("ROLLBACK");
      this.#file = preparedOn(database);
    }
    this.#heldBack = [];
  }

  #commitLater({ clock, forMs }: NonNullable<StoreOptions["gather"]>): void {
    this.#timer ??= clock.setTimer(forMs, () => {
      this.#timer = undefined;
      try {
        this.commit();
      } catch {
        // Nobody waits for this commit: whoever writes next hears of its failure.
      }
    });
  }

  /** The vCluster an entry counts for: its own scope's, or its node's at this moment. */
  #vclusterOf({ scope }: Entry): string | undefined {
    if (scope === "Global") return undefined;
    if ("VCluster" in scope) return scope.VCluster;
    return this.get("node_assignments", scope.Node)?.vcluster_id;
  }

  #load(): void {
    this.#mirror.clear();
    storageErrors(this.#path, () => {
      const statement = this.#database.prepare("SELECT position, term FROM applied");
      statement.setReadBigInts(true);
      const { position, term } = statement.get() ?? {};
      if (typeof position !== "bigint" || typeof term !== "bigint") {
        throw this.#corrupt("table applied", "the applied position is unreadable");
      }
      this.#applied = { index: position, term };
      const reading = { without: COLD, isOldestFirst: true };
      for (const document of storedDocuments(this.#database, reading)) this.#loadDocument(document);
    });
    this.#checkEntries();
  }

  #loadDocument([collection, key, json]: StoredDocument): void {
    if (!isCollectionName(collection)) {
      throw this.#corrupt(`document ${collection}/${key}`, "no such collection");
    }
    try {
      this.#mirror.set(collection, key, decode(COLLECTIONS[collection], json));
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw this.#corrupt(`document ${collection}/${key}`, `is unreadable: ${reason}`);
    }
  }

  /** The entries must be as many as the counter says: J1 as a check of the file. */
  #checkEntries(): void {
    const { count, newest } = this.#database.prepare(
      `SELECT (SELECT count(*) FROM entries) AS count,
           (SELECT max(sequence) FROM entries) AS newest`,
    ).get() ?? {};
    const expected = this.nextSequence;
    if (count === expected && (newest === null ? -1 : newest) === expected - 1) return;
    throw this.#corrupt(
      "table entries",
      `holds ${count} entries up to ${newest}, the state counts ${expected}`,
    );
  }

  #corrupt(position: string, detail: string): StorageError {
    return new StorageError(
      "corrupt",
      this.#path,
      `${detail}; remove this file to rebuild it from the log, or restore a backup`,
      { position },
    );
  }
}

/** The open database and what is prepared on it. */
interface OpenFile {
  readonly database: DatabaseSync;
  readonly entries: EntryTable;
  readonly documents: DocumentRows;
  readonly setApplied: WriteStatement;
  /** What all of these have written since the last commit. */
  readonly redo: Redo;
}

function openFile(path: string): OpenFile {
  const database = openDatabase({
    path,
    what: "state database",
    synchronous: "NORMAL",
    migrations: MIGRATIONS,
  });
  database.exec(TUNING);
  return preparedOn(database);
}

function preparedOn(database: DatabaseSync): OpenFile {
  const redo = new Redo(database);
  return {
    database,
    entries: new EntryTable(database, redo),
    documents: new DocumentRows(database, redo),
    setApplied: redo.prepare("UPDATE applied SET position = ?, term = ?"),
    redo,
  };
}

function removeIfPresent(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function decode<S extends z.ZodType>(schema: S, json: string): z.infer<S> {
  return schema.parse(JSON.parse(json));
}

function refuseCold(collection: CollectionName): void {
  if (COLD.has(collection)) throw new TypeError(`${collection} is read by query alone`);
}
