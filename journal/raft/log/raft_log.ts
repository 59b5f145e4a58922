import {
  type Entry,
  entryBytesOf,
  type EntryId,
  type Index,
  limitEntries,
  type Term,
} from "../entry.ts";
import { assertInvariant } from "../errors.ts";
import type { Snapshot } from "../snapshot.ts";
import type { LogStorage } from "../storage.ts";
import { CommittedWindow } from "./committed_window.ts";
import { Unstable } from "./unstable.ts";

/** The log as Raft sees it: what storage holds, and after it what is not durable yet. */
export class RaftLog {
  readonly #storage: LogStorage;
  readonly unstable: Unstable;
  readonly #window: CommittedWindow;
  #committed: Index;

  /** @param maxApplyingBytes most bytes of committed entries that wait for being applied */
  constructor(storage: LogStorage, maxApplyingBytes: number) {
    this.#storage = storage;
    const before = storage.firstIndex() - 1;
    this.unstable = new Unstable(storage.lastIndex() + 1);
    this.#committed = before;
    this.#window = new CommittedWindow(before, maxApplyingBytes);
  }

  get committed(): Index {
    return this.#committed;
  }

  get applied(): Index {
    return this.#window.applied;
  }

  get applying(): Index {
    return this.#window.applying;
  }

  get firstIndex(): Index {
    const { snapshot } = this.unstable;
    return snapshot ? snapshot.index + 1 : this.#storage.firstIndex();
  }

  get lastIndex(): Index {
    return this.unstable.lastIndex ?? this.#storage.lastIndex();
  }

  get lastEntryId(): EntryId {
    const index = this.lastIndex;
    const term = this.term(index);
    assertInvariant(term !== undefined, "storage", () => `no term for last index ${index}`);
    return { term, index };
  }

  /** Undefined for what is compacted away and for what is not there yet. */
  term(index: Index): Term | undefined {
    if (index < this.firstIndex - 1 || index > this.lastIndex) return undefined;
    return this.unstable.term(index) ?? this.#storage.term(index);
  }

  has({ term, index }: EntryId): boolean {
    return this.term(index) === term;
  }

  /** Whether a log that ends with `last` holds at least what this one does. */
  isUpToDate(last: EntryId): boolean {
    const own = this.lastEntryId;
    return last.term > own.term || (last.term === own.term && last.index >= own.index);
  }

  /**
   * Entries from `low` on, at most `maxCount` and of `maxBytes`; the first in any case. Undefined
   * when `low` is compacted away.
   */
  entriesFrom(low: Index, maxBytes: number, maxCount = Infinity): readonly Entry[] | undefined {
    if (low > this.lastIndex) return [];
    return this.slice(low, Math.min(this.lastIndex + 1, low + maxCount), maxBytes);
  }

  /** Entries from `low` up to but without `high`, limited as in `entriesFrom`. */
  slice(low: Index, high: Index, maxBytes: number): readonly Entry[] | undefined {
    assertInvariant(
      low <= high && high <= this.lastIndex + 1,
      "log-range",
      () => `slice ${low} to ${high} of a log that ends at ${this.lastIndex}`,
    );
    if (low < this.firstIndex) return undefined;
    if (low === high) return [];
    const { offset } = this.unstable;
    if (low >= offset) return limitEntries(this.unstable.slice(low, high), maxBytes);
    const border = Math.min(high, offset);
    const stable = this.#storage.entries(low, border, maxBytes);
    if (stable === undefined) return undefined;
    if (border === high || stable.length < border - low) return stable;
    const rest = this.unstable.slice(border, high);
    return limitEntries([...stable, ...rest], maxBytes);
  }

  /**
   * Takes a leader's entries after `previous`.
   *
   * @returns the last place they reach, or undefined when `previous` is not in this log
   * @throws {RaftInvariantError} when they contradict something committed
   */
  tryAppend(previous: EntryId, entries: readonly Entry[], leaderCommit: Index): Index | undefined {
    if (!this.has(previous)) return undefined;
    const last = previous.index + entries.length;
    const known = entries.findIndex((entry) => !this.has(entry));
    if (known >= 0) this.append(entries.slice(known));
    this.commitTo(Math.min(leaderCommit, last));
    return last;
  }

  /** Adds entries, in place of whatever stands at their places and after. */
  append(entries: readonly Entry[]): void {
    const [first] = entries;
    if (first === undefined) return;
    assertInvariant(
      first.index > this.#committed && first.index <= this.lastIndex + 1,
      "log-conflict",
      () =>
        `entry ${first.index} of term ${first.term} does not go between commit ` +
        `${this.#committed} and the end ${this.lastIndex}`,
    );
    this.unstable.replaceFrom(first.index, entries);
  }

  /**
   * Where a log that has `term` at `index` can at best agree with this one, and this one's term
   * there: 0 when that is unknown, and 0/0 when there is no such place.
   */
  findConflict({ term, index }: EntryId): EntryId {
    for (let at = index; at > 0; at--) {
      const own = this.term(at);
      if (own === undefined) return { index: at, term: 0 };
      if (own <= term) return { index: at, term: own };
    }
    return { index: 0, term: 0 };
  }

  /** Commits up to `index`; never goes back. */
  commitTo(index: Index): void {
    if (index <= this.#committed) return;
    assertInvariant(
      index <= this.lastIndex,
      "commit-range",
      () => `commit ${index} is past the end ${this.lastIndex}: was the log truncated or lost?`,
    );
    this.#committed = index;
  }

  /** A leader commits by counting entries of its own term only. @returns whether it did */
  tryCommit(at: EntryId): boolean {
    if (at.term === 0 || at.index <= this.#committed || !this.has(at)) return false;
    this.commitTo(at.index);
    return true;
  }

  /** Forgets everything in favour of a snapshot from the leader. */
  restore(snapshot: Snapshot): void {
    this.#committed = snapshot.index;
    this.unstable.restore(snapshot);
  }

  /** The snapshot to send to a member that needs entries compacted away. */
  snapshot(): Snapshot | undefined {
    return this.unstable.snapshot ?? this.#storage.snapshot();
  }

  /** Committed entries to apply next. @param allowUnstable also those not durable yet */
  nextCommitted(allowUnstable: boolean): readonly Entry[] {
    if (!this.hasNextCommitted(allowUnstable)) return [];
    const { freeBytes, applying } = this.#window;
    const entries = this.slice(applying + 1, this.#appliableIndex(allowUnstable) + 1, freeBytes);
    assertInvariant(
      entries !== undefined,
      "storage",
      () => `entry ${applying + 1} is compacted away before it was applied`,
    );
    return entries;
  }

  hasNextCommitted(allowUnstable: boolean): boolean {
    if (this.#window.isPaused || this.unstable.snapshot) return false;
    return this.#window.applying < this.#appliableIndex(allowUnstable);
  }

  /** The entries, as got from `nextCommitted`, are on their way to the state machine. */
  acceptApplying(entries: readonly Entry[], allowUnstable: boolean): void {
    const last = entries.at(-1);
    if (last === undefined) return;
    const isLimited = last.index < this.#appliableIndex(allowUnstable);
    this.#window.accept(last.index, entryBytesOf(entries), isLimited);
  }

  /** Everything up to `index` is applied; of it `bytes` had been handed out as entries. */
  appliedTo(index: Index, bytes: number): void {
    this.#window.finish(index, bytes, this.#committed);
  }

  #appliableIndex(allowUnstable: boolean): Index {
    return allowUnstable ? this.#committed : Math.min(this.#committed, this.unstable.offset - 1);
  }
}
