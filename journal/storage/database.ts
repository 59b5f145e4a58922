import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { refuseForeignOwner } from "./directory_lock.ts";
import { StorageError } from "./storage_error.ts";
import { verifyWal } from "./wal_check.ts";

/** Marks a SQLite file as pact's (`PRAGMA application_id`). */
const APPLICATION_ID = 0x70616374;

/**
 * Pages of a new file; an older one keeps its own. Half as many as SQLite's default would be to
 * write, checksum, fold and copy, with less room lost to entries of a kilobyte and more.
 */
const PAGE_BYTES = 8192;

/** SQLite result codes that tell what a failure means: https://www.sqlite.org/rescode.html */
const SQLITE_CORRUPT = 11;
const SQLITE_NOTADB = 26;

/** One step that brings a database from schema version `N` to `N + 1`. */
export type Migration = (database: DatabaseSync) => void;

/** How a database is opened. */
export interface DatabaseOptions {
  readonly path: string;
  /** What the file is, for messages: `log`, `state database`. */
  readonly what: string;
  /**
   * `FULL` syncs each transaction before it returns; `NORMAL` keeps the file consistent but may
   * lose the newest transactions with the power, for what can be replayed. Only with `FULL` can
   * damage in the write-ahead log be told from what the power took.
   */
  readonly synchronous: "FULL" | "NORMAL";
  /** Step `i` leads to schema version `i + 1`; an empty file starts at version 0. */
  readonly migrations: readonly Migration[];
}

/**
 * Opens one of the journal's databases: checks the write-ahead log, owner, file kind and page
 * structure first and migrates the schema forward.
 *
 * @throws {StorageError} when any of that fails; nothing was changed then.
 */
export function openDatabase(options: DatabaseOptions): DatabaseSync {
  const { path } = options;
  return storageErrors(path, () => {
    const existing = fileSize(path) > 0;
    if (existing) refuseForeignOwner(path);
    else if (path !== ":memory:") createPrivately(path);
    if (options.synchronous === "FULL") verifyWal(`${path}-wal`);
    const database = new DatabaseSync(path, { timeout: 2000 });
    try {
      if (existing) verifyPages(database, options);
      else database.exec(`PRAGMA page_size = ${PAGE_BYTES}`);
      database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${options.synchronous}`);
      migrate(database, options);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

/**
 * Opens a database that another process may be working on, for reading alone. What is read between
 * `BEGIN` and `ROLLBACK` is of one moment, however long it takes, and holds up nobody.
 *
 * @throws {StorageError} when there is none, it is foreign, or of another schema version.
 */
export function openDatabaseForReading(
  { path, what, migrations }: Pick<DatabaseOptions, "path" | "what" | "migrations">,
): DatabaseSync {
  return storageErrors(path, () => {
    if (fileSize(path) === 0) throw new StorageError("io", path, `there is no ${what}`);
    const database = new DatabaseSync(path, { readOnly: true, timeout: 2000 });
    try {
      if (pragma(database, "application_id") !== APPLICATION_ID) {
        throw new StorageError("foreign", path, `is no pact ${what}`);
      }
      const version = pragma(database, "user_version");
      if (version === migrations.length) return database;
      throw version > migrations.length
        ? newer(path, what, version, migrations.length)
        : new StorageError(
          "foreign",
          path,
          `the ${what} has schema version ${version}, this program's is ${migrations.length}; start the journal once to bring it forward`,
        );
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

/** Runs `work`, turning what SQLite throws about the file `path` into a {@link StorageError}. */
export function storageErrors<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Error) || !isFileTrouble(error)) throw error;
    const code = sqliteCode(error);
    const reason = error.message;
    if (code === SQLITE_CORRUPT || code === SQLITE_NOTADB) {
      throw new StorageError("corrupt", path, `${reason}; ${REMEDY}`, { cause: error });
    }
    throw new StorageError("io", path, reason, { cause: error });
  }
}

const REMEDY = "restore the data directory from a backup or another member";

/** Whether SQLite or the operating system raised it; anything else is not about the file. */
function isFileTrouble(error: Error): boolean {
  if ("code" in error && error.code === "ERR_SQLITE_ERROR") return true;
  return Object.values(Deno.errors).some((kind) => error instanceof kind);
}

function sqliteCode(error: Error): number | undefined {
  if ("errcode" in error && typeof error.errcode === "number") return error.errcode & 0xff;
  // exec() reports the text alone
  if (/malformed/.test(error.message)) return SQLITE_CORRUPT;
  return /not a database/.test(error.message) ? SQLITE_NOTADB : undefined;
}

function fileSize(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}

/** Creates the empty file for its owner alone, which SQLite's side files then follow. */
function createPrivately(path: string): void {
  Deno.openSync(path, { write: true, create: true, mode: 0o600 }).close();
  using directory = Deno.openSync(dirname(path), { read: true });
  directory.syncSync();
}

/** A file of pact's with intact pages, or an error before anything writes to it. */
function verifyPages(database: DatabaseSync, { path, what }: DatabaseOptions): void {
  const version = pragma(database, "user_version");
  if (pragma(database, "application_id") !== APPLICATION_ID) {
    // A crash between the file's creation and its first transaction leaves it empty.
    if (version === 0 && isEmpty(database)) return;
    throw new StorageError("foreign", path, `is a database, but no pact ${what}`);
  }
  const [finding] = database.prepare("PRAGMA quick_check(1)").all();
  const text = String(finding?.["quick_check"] ?? "no answer");
  if (text !== "ok") {
    throw new StorageError("corrupt", path, `the ${what} is damaged: ${text}; ${REMEDY}`);
  }
}

function isEmpty(database: DatabaseSync): boolean {
  return database.prepare("SELECT name FROM sqlite_schema LIMIT 1").all().length === 0;
}

function migrate(database: DatabaseSync, { path, what, migrations }: DatabaseOptions): void {
  const version = pragma(database, "user_version");
  if (version > migrations.length) {
    throw newer(path, what, version, migrations.length);
  }
  if (version === migrations.length) return;
  transaction(database, () => {
    for (const step of migrations.slice(version)) step(database);
    database.exec(
      `PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${migrations.length}`,
    );
  });
}

function newer(path: string, what: string, version: number, known: number): StorageError {
  return new StorageError(
    "newer",
    path,
    `the ${what} has schema version ${version}, this program knows ${known}; use the newer program`,
  );
}

function pragma(database: DatabaseSync, name: "user_version" | "application_id"): number {
  return Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
}

/** Runs `work` as one transaction: all of it is stored or nothing. */
export function transaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    // SQLite has rolled back by itself after some errors, a full disk among them.
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}
