import { join } from "node:path";
import {
  BackupError,
  type BackupReport,
  LineSplitter,
  verifyBackup,
} from "../../common/backup/mod.ts";
import { lockDirectory, StorageError } from "../storage/mod.ts";
import { importState, SCHEMA_VERSION, StateStore } from "../store/mod.ts";
import { prepareNewCluster } from "./prepare_new_cluster.ts";

/** What a data directory may hold before a restore: folders that tools put there, no journal's state. */
const HARMLESS = new Set(["ca", "backups"]);

const READ_BYTES = 1024 * 1024;

/** The snapshot while it is unpacked. */
const UNPACKED_FILE = "restore.tmp";

/**
 * Verifies a backup and makes of it the state of a new cluster in `dataDir`, which must be empty or
 * absent (JRN-68). A backup in which an entry is not what it was is not restored.
 *
 * @throws {BackupError} for the backup, {StorageError} for the directory, which then is as it was.
 */
export async function restoreBackup(
  backup: ReadableStream<Uint8Array<ArrayBuffer>>,
  dataDir: string,
): Promise<BackupReport> {
  refuseNonEmpty(dataDir);
  const lock = lockDirectory(dataDir);
  const unpacked = join(dataDir, UNPACKED_FILE);
  const state = join(dataDir, "state.db");
  try {
    const report = await unpack(backup, unpacked);
    if (report.log.finding !== undefined) {
      throw new BackupError(`${report.log.finding.detail}; such a backup is not restored`);
    }
    fillState(state, unpacked);
    return report;
  } catch (error) {
    for (const suffix of ["", "-wal", "-shm"]) removeIfPresent(`${state}${suffix}`);
    throw error;
  } finally {
    removeIfPresent(unpacked);
    lock.release();
    removeIfPresent(join(dataDir, "lock"));
  }
}

function refuseNonEmpty(dataDir: string): void {
  const names = entriesOf(dataDir).filter((name) => !HARMLESS.has(name));
  if (names.length === 0) return;
  throw new StorageError(
    "foreign",
    dataDir,
    `is not empty, it holds ${names.sort().slice(0, 3).join(", ")}: a backup is restored into an ` +
      "empty directory only, name another --data-dir",
  );
}

function entriesOf(directory: string): string[] {
  try {
    return Array.from(Deno.readDirSync(directory), ({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

async function unpack(
  backup: ReadableStream<Uint8Array<ArrayBuffer>>,
  path: string,
): Promise<BackupReport> {
  using file = Deno.openSync(path, { write: true, createNew: true, mode: 0o600 });
  return await verifyBackup(backup, {
    schemaVersion: SCHEMA_VERSION,
    onSnapshot: (chunk) => writeAll(file, chunk),
  });
}

function fillState(path: string, unpacked: string): void {
  const store = new StateStore(path);
  try {
    importState(store, linesOf(unpacked));
    prepareNewCluster(store);
  } finally {
    store.close();
  }
  for (const each of [path, join(path, "..")]) {
    using file = Deno.openSync(each, { read: true });
    file.syncSync();
  }
}

function* linesOf(path: string): Generator<string> {
  using file = Deno.openSync(path, { read: true });
  const splitter = new LineSplitter();
  const buffer = new Uint8Array(READ_BYTES);
  for (let read = file.readSync(buffer); read !== null; read = file.readSync(buffer)) {
    yield* splitter.push(buffer.subarray(0, read));
  }
  yield* splitter.end();
}

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.byteLength;) {
    written += file.writeSync(bytes.subarray(written));
  }
}

function removeIfPresent(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
