/** Owns one timer for the deadlines of all calls of a listener; ends with `stop`. */

import type { Clock, TimerHandle } from "../clock/mod.ts";
import { Places } from "../collections/mod.ts";

/** Deadlines are kept to this many milliseconds, and are never early. */
const tickMs = 20;

/** Something that has a deadline. */
export interface Expiring {
  /** On the clock's monotonic time. */
  readonly endsAtMs: number;
  /** Called once, when the deadline is over. */
  expire(): void;
}

/**
 * Many deadlines on one timer: a call costs a place in a set instead of a timer of the runtime, which
 * is a hundred times dearer. The timer waits for the earliest deadline there was when it was set. Most
 * calls have the same half minute and are answered long before, so it goes off a few times a minute.
 */
export class Deadlines {
  /** A `Set` that calls come to and go from would keep them alive long after their end. */
  #open = new Places<Expiring>();
  #timer: TimerHandle | undefined;
  #timerAtMs = Infinity;

  constructor(private readonly clock: Clock) {}

  /**
   * Lets `call` expire once its deadline is over, unless it is deleted before.
   *
   * @returns the place of its deadline, by which it is deleted
   */
  add(call: Expiring): number {
    const place = this.#open.add(call);
    if (call.endsAtMs < this.#timerAtMs) this.#arm(call.endsAtMs);
    return place;
  }

  /** Takes a deadline back; doing so twice, or after it passed, does nothing. */
  delete(call: Expiring, place: number): void {
    if (this.#open.get(place) === call) this.#open.remove(place);
  }

  /** Lets nothing expire any more. */
  stop(): void {
    this.#open = new Places();
    this.#disarm();
  }

  #arm(endsAtMs: number): void {
    this.#disarm();
    this.#timerAtMs = endsAtMs;
    // Several that end within one tick expire together.
    const delayMs = Math.max(0, endsAtMs - this.clock.monotonicMs()) + tickMs;
    this.#timer = this.clock.setTimer(delayMs, () => this.#onTimer());
  }

  #disarm(): void {
    if (this.#timer !== undefined) this.clock.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#timerAtMs = Infinity;
  }

  #onTimer(): void {
    this.#disarm();
    const nowMs = this.clock.monotonicMs();
    let nextMs = Infinity;
    for (const [place, call] of this.#open) {
      if (call.endsAtMs > nowMs) nextMs = Math.min(nextMs, call.endsAtMs);
      else {
        this.#open.remove(place);
        call.expire();
      }
    }
    if (nextMs < this.#timerAtMs) this.#arm(nextMs);
  }
}
