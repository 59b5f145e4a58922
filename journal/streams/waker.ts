/** Subscribers woken in one turn of the event loop: what they write takes some milliseconds. */
export const WAKES_PER_TURN = 256;

/** Somebody who waits. */
export interface Sleeper {
  wake(): void;
}

/**
 * Wakes subscribers in slices, so that an entry which thousands hear of holds up neither the
 * heartbeats of the quorum nor anybody's call. A few are woken at once. Ends with `close`.
 */
export class Waker {
  readonly #waiting = new Set<Sleeper>();
  #left = WAKES_PER_TURN;
  #turn: ReturnType<typeof setImmediate> | undefined;

  /** Wakes `sleeper` now, or when its turn comes; once, however often it is asked for till then. */
  wake(sleeper: Sleeper): void {
    if (this.#left === 0) {
      this.#waiting.add(sleeper);
    } else {
      this.#left--;
      sleeper.wake();
    }
    this.#turn ??= setImmediate(() => this.#next());
  }

  /** Wakes nobody any more. */
  close(): void {
    this.#waiting.clear();
    if (this.#turn !== undefined) clearImmediate(this.#turn);
    this.#turn = undefined;
  }

  #next(): void {
    this.#turn = undefined;
    this.#left = WAKES_PER_TURN;
    for (const sleeper of this.#waiting) {
      if (this.#left === 0) break;
      this.#waiting.delete(sleeper);
      this.#left--;
      sleeper.wake();
    }
    // One more turn also gives back what this one has used.
    if (this.#left < WAKES_PER_TURN) this.#turn = setImmediate(() => this.#next());
  }
}
