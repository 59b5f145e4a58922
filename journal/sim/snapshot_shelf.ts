import { isDeepStrictEqual } from "node:util";
import type { EntryId, Index, Membership, Snapshot } from "../raft/mod.ts";

/** Snapshots a member keeps (JRN-51). */
const KEPT = 3;

/** A snapshot file: a state as text. */
export interface SnapshotFile extends EntryId {
  readonly membership: Membership;
  readonly text: string;
}

/** The snapshot files of one member; what is here is durable. */
export class SnapshotShelf {
  #kept: readonly SnapshotFile[] = [];

  /** Newest first. */
  get kept(): readonly SnapshotFile[] {
    return this.#kept;
  }

  add(file: SnapshotFile): void {
    const others = this.#kept.filter(({ index }) => index !== file.index);
    this.#kept = [file, ...others].sort((a, b) => b.index - a.index).slice(0, KEPT);
  }

  /** The newest, where it serves everybody: with another membership it might leave its receiver out. */
  serving(membership: Membership, firstIndex: Index): Snapshot | undefined {
    const [newest] = this.#kept;
    const serves = newest !== undefined && newest.index >= firstIndex - 1 &&
      isDeepStrictEqual(newest.membership, membership);
    if (!serves) return undefined;
    return { index: newest.index, term: newest.term, membership, data: new Uint8Array(0) };
  }

  find({ index, term }: EntryId): SnapshotFile | undefined {
    return this.#kept.find((file) => file.index === index && file.term === term);
  }
}
