import type { Timeline } from "./timeline.ts";

/** What the clocks of all members would show at the beginning, did they agree. */
const EPOCH_MS = Date.UTC(2026, 0, 1);

/** The clocks of one machine: both run at its own rate, and the wall clock can be set. */
export class MemberClock {
  readonly #timeline: Timeline;
  /** How fast time passes here: 1 is right. */
  readonly rate: number;
  #offsetMs = 0;

  constructor(timeline: Timeline, rate: number) {
    this.#timeline = timeline;
    this.rate = rate;
  }

  monotonicMs(): number {
    return this.#timeline.nowUs * this.rate / 1000;
  }

  nowMs(): number {
    return Math.round(EPOCH_MS + this.monotonicMs() + this.#offsetMs);
  }

  /** Somebody, or a time service, sets the wall clock. */
  jump(byMs: number): void {
    this.#offsetMs += byMs;
  }
}
