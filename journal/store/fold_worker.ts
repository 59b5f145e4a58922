/**
 * Worker that copies what the state's write-ahead log holds into its file and syncs it, so that the
 * thread that applies never waits for the disk. Each message is one round; a round that fails is
 * left to the owner, which meets the same trouble by itself.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { passGate } from "./fold_gate.ts";

/** What is to be folded, and the gate before it. */
export interface FoldJob {
  readonly path: string;
  readonly gate: Int32Array<SharedArrayBuffer>;
}

self.onmessage = ({ data: { path, gate } }: MessageEvent<FoldJob>) => {
  passGate(gate, () => {
    try {
      const database = new DatabaseSync(path);
      try {
        // Passive: takes what it can get and makes nobody wait.
        database.exec("PRAGMA wal_checkpoint(PASSIVE)");
      } finally {
        database.close();
      }
    } catch {
      // The owner's own commits tell of a disk that is full or broken.
    }
  });
  self.postMessage(undefined);
};
