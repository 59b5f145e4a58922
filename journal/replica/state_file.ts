import { join } from "node:path";
import type { Clock } from "../../common/clock/mod.ts";
import type { KeptSnapshot, SnapshotStore } from "../snapshots/mod.ts";
import { StorageError } from "../storage/mod.ts";
import type { EntryId } from "../raft/mod.ts";
import { quorumMembership, storedCluster } from "../state/mod.ts";
import { StateReader, StateStore } from "../store/mod.ts";

/**
 * Changes of so many milliseconds are stored in one transaction: each writes the last page of every
 * table anew. A backup waits more than twice as long for what was acknowledged before it.
 */
const GATHER_MS = 100;

/** What the state is opened from. */
export interface StateFileOptions {
  readonly dataDir: string;
  readonly clock: Clock;
  readonly snapshots: SnapshotStore;
  /** Bounds of the log: the index before its first record, and that of its last. */
  readonly log: { readonly startIndex: number; readonly lastIndex: number };
}

/** Where the state database of a data directory is. */
export function statePathOf(dataDir: string): string {
  return join(dataDir, "state.db");
}

/**
 * Where the log must begin that a restored state is founded on: behind what it contains of its
 * former cluster's. Undefined for a directory without state, and for one that belongs to a cluster.
 */
export function restoredPosition(dataDir: string): EntryId | undefined {
  const path = statePathOf(dataDir);
  if (!exists(path)) return undefined;
  using state = new StateReader(path);
  if (state.applied.index === 0 || storedCluster(state) !== undefined) return undefined;
  return quorumMembership(state) === undefined ? state.applied : undefined;
}

/**
 * Whether the state belongs to a cluster: not one that was just restored, nor that of a member which
 * nobody has told the membership yet.
 *
 * @throws {StorageError} when it cannot be read as it is.
 */
export function isOfCluster(dataDir: string): boolean {
  const path = statePathOf(dataDir);
  if (!exists(path)) return false;
  using state = new StateReader(path);
  return storedCluster(state) !== undefined || quorumMembership(state) !== undefined;
}

/**
 * The cluster that the state belongs to; undefined for none.
 *
 * @throws {StorageError} when it cannot be read as it is.
 */
export function storedClusterId(dataDir: string): string | undefined {
  const path = statePathOf(dataDir);
  if (!exists(path)) return undefined;
  using state = new StateReader(path);
  return storedCluster(state)?.cluster_id;
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).size > 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Opens the state such that the log continues it: as it is or, when it is damaged or from before
 * the log begins, from the newest intact snapshot (section 17).
 *
 * @throws {StorageError} when neither serves, or the log lacks what the state contains.
 */
export function openStateFile(options: StateFileOptions): StateStore {
  const path = statePathOf(options.dataDir);
  const store = openOrRestore(options, path);
  const appliedIndex = Number(store.applied.index);
  if (appliedIndex <= options.log.lastIndex) return store;
  const isRestored = storedCluster(store) === undefined;
  store.close();
  if (isRestored) {
    throw new StorageError(
      "foreign",
      path,
      "is a restored state, which belongs to no cluster: start this member with --bootstrap to found one on it, or empty the directory to have it join one",
    );
  }
  throw new StorageError(
    "corrupt",
    path,
    `contains log record ${appliedIndex}, the log ends at ${options.log.lastIndex}: the log lost records; restore the data directory from a backup or another member`,
  );
}

function openOrRestore(options: StateFileOptions, path: string): StateStore {
  const { startIndex, lastIndex } = options.log;
  try {
    const store = openStore(options, path);
    if (Number(store.applied.index) >= startIndex) return store;
    store.close();
  } catch (error) {
    // Without a snapshot the error says what to do; a log from its beginning needs none.
    const isDamaged = error instanceof StorageError && error.kind === "corrupt";
    if (!isDamaged || options.snapshots.kept.length === 0) throw error;
  }
  // One behind the log's end was received, and the power failed before the log began anew with it.
  const snapshot = options.snapshots.newestIntact(startIndex, lastIndex);
  if (snapshot === undefined) throw noSnapshot(path, startIndex);
  replaceClosed(path, snapshot);
  return openStore(options, path);
}

function openStore({ clock }: StateFileOptions, path: string): StateStore {
  return new StateStore(path, { gather: { clock, forMs: GATHER_MS } });
}

/** Puts the snapshot in the place of a state that nobody has open. */
function replaceClosed(path: string, { file }: KeptSnapshot): void {
  const copy = `${path}.new`;
  Deno.copyFileSync(file.path, copy);
  for (const suffix of ["-wal", "-shm"]) {
    try {
      Deno.removeSync(`${path}${suffix}`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  Deno.renameSync(copy, path);
}

function noSnapshot(path: string, startIndex: number): StorageError {
  return new StorageError(
    "corrupt",
    path,
    `the state is damaged or older than record ${startIndex}, where the log begins, and no intact snapshot reaches there; restore the data directory from a backup, or empty it and add this member anew`,
  );
}

/**
 * Brings `store` to the state in the snapshot file at `path`.
 *
 * @throws {StorageError} when that cannot be done; the store must not be used then.
 */
export async function restoreStore(
  store: StateStore,
  path: string,
  copyPath: string,
): Promise<void> {
  await Deno.copyFile(path, copyPath);
  using copy = await Deno.open(copyPath, { read: true, write: true });
  await copy.sync();
  store.replaceFile(copyPath);
}
