/** Owns one timer for the deadlines of all calls of a listener; it runs only while a call is open. */

import type { Clock, TimerHandle } from "../clock/mod.ts";

/** Deadlines are kept to this many milliseconds, and are never early. */
const tickMs = 20;

/** Takes a deadline back; doing so twice, or after it passed, does nothing. */
export type CancelDeadline = () => void;

/**
 * Many deadlines on one timer: a call costs an entry in a set instead of a timer of the runtime,
 * which is a hundred times dearer.
 */
export class DeadlineWheel {
  readonly #slots = new Map<number, Set<() => void>>();
  #open = 0;
  #lastTick = 0;
  #timer: TimerHandle | undefined;

  constructor(private readonly clock: Clock) {}

  /** Calls `expire` once `timeoutMs` are over, unless cancelled before. */
  add(timeoutMs: number, expire: () => void): CancelDeadline {
    const nowMs = this.clock.monotonicMs();
    const slot = Math.ceil((nowMs + timeoutMs) / tickMs);
    let calls = this.#slots.get(slot);
    if (calls === undefined) {
      calls = new Set();
      this.#slots.set(slot, calls);
    }
    const call = () => expire();
    calls.add(call);
    if (this.#open++ === 0 && this.#timer === undefined) {
      this.#lastTick = Math.floor(nowMs / tickMs) - 1;
      this.#startTimer();
    }
    return () => {
      if (calls.delete(call)) this.#open--;
    };
  }

  #startTimer(): void {
    this.#timer = this.clock.setTimer(tickMs, () => this.#onTick());
  }

  #onTick(): void {
    const tick = Math.floor(this.clock.monotonicMs() / tickMs);
    while (this.#lastTick < tick) {
      this.#lastTick++;
      this.#expire(this.#lastTick);
    }
    this.#timer = undefined;
    if (this.#open > 0) this.#startTimer();
    else this.#slots.clear();
  }

  #expire(slot: number): void {
    const calls = this.#slots.get(slot);
    if (calls === undefined) return;
    this.#slots.delete(slot);
    for (const call of calls) {
      calls.delete(call);
      this.#open--;
      call();
    }
  }
}
