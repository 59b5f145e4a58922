import type { Index } from "../entry.ts";
import { assertInvariant } from "../errors.ts";

/**
 * How far the state machine is: `applied` is done, `applying` is handed out, and bytes between
 * the two are bounded. Paused means that the bound is reached or that it held something back.
 */
export class CommittedWindow {
  #applied: Index;
  #applying: Index;
  #bytes = 0;
  #isPaused = false;
  readonly #maxBytes: number;

  constructor(applied: Index, maxBytes: number) {
    this.#applied = applied;
    this.#applying = applied;
    this.#maxBytes = maxBytes;
  }

  get applied(): Index {
    return this.#applied;
  }

  get applying(): Index {
    return this.#applying;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Bytes that may still be handed out. */
  get freeBytes(): number {
    return this.#maxBytes - this.#bytes;
  }

  /** Entries up to `index` are handed out; `isLimited` when more was there to hand out. */
  accept(index: Index, bytes: number, isLimited: boolean): void {
    this.#applying = index;
    this.#bytes += bytes;
    this.#isPaused = isLimited || this.#bytes >= this.#maxBytes;
  }

  /** Entries up to `index` are applied; of them `bytes` had been handed out. */
  finish(index: Index, bytes: number, committed: Index): void {
    assertInvariant(
      this.#applied <= index && index <= committed,
      "applied-range",
      () => `applied(${index}) is not between applied(${this.#applied}) and commit(${committed})`,
    );
    this.#applied = index;
    this.#applying = Math.max(this.#applying, index);
    this.#bytes = Math.max(0, this.#bytes - bytes);
    this.#isPaused = this.#bytes >= this.#maxBytes;
  }
}
