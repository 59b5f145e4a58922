import type { EntryId, Membership } from "../raft/mod.ts";

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

  find({ index, term }: EntryId): SnapshotFile | undefined {
    return this.#kept.find((file) => file.index === index && file.term === term);
  }
}
