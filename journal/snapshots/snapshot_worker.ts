/**
 * Worker that copies the state database as of one moment, while its owner goes on writing, syncs
 * and hashes the copy, and answers with what it holds. One job, then it is ended; so it imports
 * little, for all of it is loaded anew for each job.
 *
 * @module
 */
import { setPriority } from "node:os";
import { backup, DatabaseSync } from "node:sqlite";
import { fileHash } from "./file_hash.ts";

/** What is to be copied where. */
export interface SnapshotJob {
  readonly statePath: string;
  /** A file that does not exist yet. */
  readonly targetPath: string;
}

/** What the copy holds, or why there is none. */
export type SnapshotAnswer =
  | {
    readonly kind: "made";
    readonly index: number;
    readonly term: number;
    readonly sha256: string;
    /** The document of the replicated state that says who votes; undefined for none. */
    readonly membershipJson: string | undefined;
  }
  | { readonly kind: "failed"; readonly reason: string };

/**
 * The nice value of this thread (setpriority(2)): nobody waits for a snapshot, and where everybody is
 * busy it takes a tenth of what a writer takes.
 */
const NICE = 10;

/**
 * Pages that are copied before they are written to the disk: whoever syncs meanwhile waits for a few
 * megabytes and not for the whole copy.
 */
const PAGES_AT_ONCE = 1_000;

self.onmessage = async ({ data }: MessageEvent<SnapshotJob>) => {
  self.postMessage(await answer(data));
};

async function answer(job: SnapshotJob): Promise<SnapshotAnswer> {
  try {
    giveWay();
    return await make(job);
  } catch (error) {
    return { kind: "failed", reason: error instanceof Error ? error.message : String(error) };
  }
}

function giveWay(): void {
  try {
    // On Linux 0 is the calling thread, and no other.
    setPriority(0, NICE);
  } catch {
    // Only who is nicer already may not become so: that is as good.
  }
}

async function make({ statePath, targetPath }: SnapshotJob): Promise<SnapshotAnswer> {
  // Made here, so that it is never readable by anybody else.
  Deno.openSync(targetPath, { write: true, create: true, truncate: true, mode: 0o600 }).close();
  const state = new DatabaseSync(statePath, { readOnly: true, timeout: 10_000 });
  try {
    // The copy is of the moment at which this transaction reads for the first time.
    state.exec("BEGIN; SELECT count(*) FROM sqlite_schema");
    using file = Deno.openSync(targetPath, { read: true, write: true });
    await backup(state, targetPath, {
      rate: PAGES_AT_ONCE,
      progress: () => file.syncDataSync(),
    });
    file.syncSync();
  } finally {
    state.close();
  }
  const sha256 = fileHash(targetPath);
  if (sha256 === undefined) throw new Error(`${targetPath} is gone`);
  return { kind: "made", sha256, ...contentOf(targetPath) };
}

function contentOf(
  path: string,
): { index: number; term: number; membershipJson: string | undefined } {
  const copy = new DatabaseSync(path, { readOnly: true });
  try {
    const { position, term } = copy.prepare("SELECT position, term FROM applied").get() ?? {};
    const row = copy.prepare(
      "SELECT json FROM documents WHERE collection = 'quorum' AND key = 'membership'",
    ).get();
    if (typeof position !== "number" || typeof term !== "number") {
      throw new Error(`${path} holds no position`);
    }
    return {
      index: position,
      term,
      membershipJson: row === undefined ? undefined : String(row["json"]),
    };
  } finally {
    copy.close();
  }
}
