import {
  EMPTY_HARD_STATE,
  EMPTY_SNAPSHOT,
  type Entry,
  type EntryId,
  type HardState,
  isEmptyHardState,
  limitEntries,
  type LogStorage,
  type Snapshot,
} from "../../journal/raft/mod.ts";
import { CommandError } from "./command_error.ts";

/** A log in memory that a script can look into and compact. */
export class MemoryStorage implements LogStorage {
  #hardState: HardState = EMPTY_HARD_STATE;
  #base: Snapshot = EMPTY_SNAPSHOT;
  /** The place before the first entry. */
  #before: EntryId = { index: 0, term: 0 };
  #entries: readonly Entry[] = [];
  readonly #newestSnapshot: () => Snapshot;

  /** @param newestSnapshot what the state machine would send to others */
  constructor(newestSnapshot: () => Snapshot) {
    this.#newestSnapshot = newestSnapshot;
  }

  initialState() {
    return { hardState: this.#hardState, membership: this.#base.membership };
  }

  firstIndex(): number {
    return this.#before.index + 1;
  }

  lastIndex(): number {
    return this.#before.index + this.#entries.length;
  }

  term(index: number): number | undefined {
    if (index === this.#before.index) return this.#before.term;
    return this.#entries[index - this.firstIndex()]?.term;
  }

  entries(low: number, high: number, maxBytes: number): readonly Entry[] | undefined {
    if (low < this.firstIndex()) return undefined;
    if (high > this.lastIndex() + 1) throw new Error(`entries up to ${high} are not stored`);
    const first = this.firstIndex();
    return limitEntries(this.#entries.slice(low - first, high - first), maxBytes);
  }

  snapshot(): Snapshot {
    return this.#newestSnapshot();
  }

  /** Everything that is stored. */
  all(): readonly Entry[] {
    return this.#entries;
  }

  saveHardState(hardState: HardState): void {
    if (!isEmptyHardState(hardState)) this.#hardState = hardState;
  }

  append(entries: readonly Entry[]): void {
    const first = this.firstIndex();
    const added = entries.filter(({ index }) => index >= first);
    const [head] = added;
    if (head === undefined) return;
    if (head.index > this.lastIndex() + 1) {
      throw new Error(`a gap between ${this.lastIndex()} and ${head.index}`);
    }
    this.#entries = [...this.#entries.slice(0, head.index - first), ...added];
  }

  /** @throws {CommandError} for one that is not newer than the last */
  applySnapshot(snapshot: Snapshot): void {
    if (this.#base.index !== 0 && this.#base.index >= snapshot.index) {
      throw new CommandError("requested index is older than the existing snapshot");
    }
    this.#base = snapshot;
    this.#before = { index: snapshot.index, term: snapshot.term };
    this.#entries = [];
  }

  /** @throws {CommandError} for what is compacted away already */
  compact(index: number): void {
    if (index <= this.#before.index) {
      throw new CommandError("requested index is unavailable due to compaction");
    }
    const term = this.term(index);
    if (term === undefined) throw new Error(`compacting up to ${index}, which is not stored`);
    this.#entries = this.#entries.slice(index + 1 - this.firstIndex());
    this.#before = { index, term };
  }
}
