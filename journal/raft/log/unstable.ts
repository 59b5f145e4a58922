import type { Entry, EntryId, Index, Term } from "../entry.ts";
import type { Snapshot } from "../snapshot.ts";

/**
 * The end of the log that is not durable yet: entries from `offset` on, of which those below
 * `inProgress` are being written, and possibly a received snapshot that goes before them.
 */
export class Unstable {
  /** Never handed out itself, only copies of parts: it may be changed in place. */
  #entries: Entry[] = [];
  #snapshot: Snapshot | undefined;
  #isSnapshotInProgress = false;
  #offset: Index;
  #inProgress: Index;

  constructor(offset: Index) {
    this.#offset = offset;
    this.#inProgress = offset;
  }

  get offset(): Index {
    return this.#offset;
  }

  /** The snapshot, whether being written or not. */
  get snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  get hasEntries(): boolean {
    return this.#entries.length > 0;
  }

  /** Whether there are entries that nobody writes yet. */
  get hasNextEntries(): boolean {
    return this.#inProgress < this.#offset + this.#entries.length;
  }

  /** The last place known here; undefined when all is durable. */
  get lastIndex(): Index | undefined {
    return this.hasEntries ? this.#offset + this.#entries.length - 1 : this.#snapshot?.index;
  }

  term(index: Index): Term | undefined {
    if (index < this.#offset) {
      return this.#snapshot?.index === index ? this.#snapshot.term : undefined;
    }
    return this.#entries[index - this.#offset]?.term;
  }

  /** Entries from `low` up to but without `high`, both within the unstable part. */
  slice(low: Index, high: Index): readonly Entry[] {
    return this.#entries.slice(low - this.#offset, high - this.#offset);
  }

  /** Entries that nobody writes yet. */
  nextEntries(): readonly Entry[] {
    return this.#entries.slice(this.#inProgress - this.#offset);
  }

  /** The snapshot, if nobody writes it yet. */
  nextSnapshot(): Snapshot | undefined {
    return this.#isSnapshotInProgress ? undefined : this.#snapshot;
  }

  /** Everything here is being written from now on. */
  acceptInProgress(): void {
    if (this.hasEntries) this.#inProgress = this.#offset + this.#entries.length;
    if (this.#snapshot) this.#isSnapshotInProgress = true;
  }

  /**
   * Everything up to an entry is durable.
   *
   * @returns whether that was news: an entry replaced since it was written counts for nothing
   */
  stableTo({ term, index }: EntryId): boolean {
    if (index < this.#offset || this.term(index) !== term) return false;
    this.#entries = this.#entries.slice(index + 1 - this.#offset);
    this.#offset = index + 1;
    this.#inProgress = Math.max(this.#inProgress, this.#offset);
    return true;
  }

  /** The snapshot at `index` is durable. */
  stableSnapshotTo(index: Index): void {
    if (this.#snapshot?.index !== index) return;
    this.#snapshot = undefined;
    this.#isSnapshotInProgress = false;
  }

  /** Forgets everything in favour of a snapshot. */
  restore(snapshot: Snapshot): void {
    this.#entries = [];
    this.#snapshot = snapshot;
    this.#isSnapshotInProgress = false;
    this.#offset = snapshot.index + 1;
    this.#inProgress = this.#offset;
  }

  /** Adds entries, in place of whatever stands at their places and after. */
  replaceFrom(first: Index, entries: readonly Entry[]): void {
    this.#entries.length = Math.max(0, first - this.#offset);
    for (const entry of entries) this.#entries.push(entry);
    this.#offset = Math.min(this.#offset, first);
    this.#inProgress = Math.min(this.#inProgress, first);
  }
}
