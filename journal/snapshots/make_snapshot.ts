import { join } from "node:path";
import { EMPTY_MEMBERSHIP, type Membership } from "../raft/mod.ts";
import { QuorumMembershipSchema } from "../state/mod.ts";
import { StorageError } from "../storage/mod.ts";
import type { KeptSnapshot } from "./kept_snapshot.ts";
import type { SnapshotStore } from "./snapshot_store.ts";
import type { SnapshotAnswer, SnapshotJob } from "./snapshot_worker.ts";

/**
 * Copies the state database at `statePath` as of one moment into the store, in a thread of its own:
 * whoever writes the state is not held up (JRN-67).
 *
 * @throws {StorageError} when the copy cannot be made; nothing is kept then.
 */
export async function makeSnapshot(store: SnapshotStore, statePath: string): Promise<KeptSnapshot> {
  const targetPath = join(store.directory, `making.tmp`);
  const made = await runJob({ statePath, targetPath });
  if (made.kind === "failed") {
    throw new StorageError("io", targetPath, `the snapshot could not be made: ${made.reason}`);
  }
  const { index, term, sha256, membershipJson } = made;
  return store.adopt(targetPath, { index, term }, membershipFrom(membershipJson), sha256);
}

async function runJob(job: SnapshotJob): Promise<SnapshotAnswer> {
  const worker = new Worker(new URL("./snapshot_worker.ts", import.meta.url), {
    type: "module",
    name: "journal snapshot",
  });
  try {
    return await new Promise<SnapshotAnswer>((resolve) => {
      worker.onmessage = ({ data }: MessageEvent<SnapshotAnswer>) => resolve(data);
      worker.onerror = (event) => {
        event.preventDefault();
        resolve({ kind: "failed", reason: event.message });
      };
      worker.postMessage(job);
    });
  } finally {
    worker.terminate();
  }
}

function membershipFrom(json: string | undefined): Membership {
  if (json === undefined) return EMPTY_MEMBERSHIP;
  const document = QuorumMembershipSchema.parse(JSON.parse(json));
  return {
    voters: document.voters,
    votersOutgoing: document.voters_outgoing,
    learners: document.learners,
    learnersNext: document.learners_next,
    autoLeave: document.auto_leave,
  };
}
