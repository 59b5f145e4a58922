import { isDeepStrictEqual } from "node:util";
import type { SnapshotFile } from "../peers/mod.ts";
import type { EntryId, Index, Membership, Message, Snapshot } from "../raft/mod.ts";
import type { KeptSnapshot, SnapshotStore } from "../snapshots/mod.ts";

/** The snapshots that go to other members and come from them. */
export class SnapshotExchange {
  readonly #store: SnapshotStore;
  readonly #onWanted: () => void;
  #newest: KeptSnapshot | undefined;

  /** `onWanted` hears that a member needs a snapshot and none serves. */
  constructor(store: SnapshotStore, onWanted: () => void) {
    this.#store = store;
    this.#onWanted = onWanted;
    this.#newest = store.kept[0];
  }

  offer(snapshot: KeptSnapshot): void {
    this.#newest = snapshot;
  }

  /**
   * A snapshot that serves every member of `membership`: one with another membership might leave
   * its receiver out, which would ignore it; one from before the log begins would leave a gap.
   */
  toSend(membership: Membership, firstIndex: Index): Snapshot | undefined {
    const newest = this.#newest;
    if (
      newest !== undefined && newest.index >= firstIndex - 1 &&
      isDeepStrictEqual(newest.membership, membership)
    ) {
      const { index, term } = newest;
      return { index, term, membership, data: NO_BYTES };
    }
    this.#onWanted();
    return undefined;
  }

  /** The file behind a message; undefined when it has made room for newer ones. */
  fileOf({ snapshot }: Message): SnapshotFile | undefined {
    return snapshot && this.#find(snapshot)?.file;
  }

  /** Where the file of a snapshot is that this member has received. */
  pathOf(id: EntryId): string {
    const kept = this.#find(id);
    if (kept === undefined) throw new Error(`snapshot ${id.index} is not among the kept ones`);
    return kept.file.path;
  }

  /** Keeps a file that has come in whole. */
  receive({ snapshot }: Message, { path, sha256 }: SnapshotFile): void {
    if (snapshot === undefined) return;
    this.#newest = this.#store.adopt(path, snapshot, snapshot.membership, sha256);
  }

  #find({ index, term }: EntryId): KeptSnapshot | undefined {
    return this.#store.kept.find((each) => each.index === index && each.term === term);
  }
}

const NO_BYTES = new Uint8Array(0);
