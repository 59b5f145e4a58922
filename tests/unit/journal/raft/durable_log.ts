import {
  EMPTY_HARD_STATE,
  type Entry,
  type HardState,
  isEmptyHardState,
  limitEntries,
  type LogStorage,
  type Snapshot,
} from "../../../../journal/raft/mod.ts";

/** What survives a crash of one member. */
export class DurableLog implements LogStorage {
  #hardState: HardState = EMPTY_HARD_STATE;
  #base: Snapshot;
  #entries: readonly Entry[] = [];
  readonly #newest: () => Snapshot;

  /** @param newest the state as applied so far, for members that need a snapshot */
  constructor(base: Snapshot, newest: () => Snapshot) {
    this.#base = base;
    this.#newest = newest;
  }

  get base(): Snapshot {
    return this.#base;
  }

  initialState() {
    return { hardState: this.#hardState, membership: this.#base.membership };
  }

  firstIndex(): number {
    return this.#base.index + 1;
  }

  lastIndex(): number {
    return this.#base.index + this.#entries.length;
  }

  term(index: number): number | undefined {
    return index === this.#base.index ? this.#base.term : this.at(index)?.term;
  }

  at(index: number): Entry | undefined {
    return this.#entries[index - this.firstIndex()];
  }

  entries(low: number, high: number, maxBytes: number): readonly Entry[] | undefined {
    const first = this.firstIndex();
    if (low < first) return undefined;
    return limitEntries(this.#entries.slice(low - first, high - first), maxBytes);
  }

  snapshot(): Snapshot {
    return this.#newest();
  }

  save(
    hardState: HardState | undefined,
    entries: readonly Entry[],
    snapshot: Snapshot | undefined,
  ): void {
    if (hardState && !isEmptyHardState(hardState)) this.#hardState = hardState;
    if (snapshot && snapshot.index > this.#base.index) {
      this.#base = snapshot;
      this.#entries = [];
    }
    const [head] = entries;
    if (head === undefined) return;
    if (head.index > this.lastIndex() + 1) throw new Error(`a gap before ${head.index}`);
    this.#entries = [...this.#entries.slice(0, head.index - this.firstIndex()), ...entries];
  }

  /** Lets a snapshot of the own state take the place of the entries up to it. */
  compact(snapshot: Snapshot): void {
    if (snapshot.index <= this.#base.index || snapshot.index > this.lastIndex()) return;
    this.#entries = this.#entries.slice(snapshot.index - this.#base.index);
    this.#base = snapshot;
  }
}
