/*
 * Shell: asks the network worker from time to time whether it still works. A worker that hangs cuts the
 * node off as much as one that has died. Owns a timer; ends by `close`, or once it has told.
 */

import type { Clock, TimerHandle } from "../../common/clock/mod.ts";

/** Between two questions. */
export const PULSE_MS = 5_000;
/** So many turns without an answer. Turns, not time: this isolate may have stood still itself. */
export const MAX_MISSED = 6;

export interface WorkerPulseOptions {
  readonly clock: Clock;
  readonly ask: (id: bigint) => void;
  /** Called once, when the worker has not answered for long. */
  readonly onSilent: () => void;
}

export class WorkerPulse {
  #timer: TimerHandle | null = null;
  #asked = 0n;
  #answered = 0n;
  #missed = 0;

  constructor(private readonly options: WorkerPulseOptions) {}

  start(): void {
    this.#turn();
  }

  /** The answer to one question; an old one says as much as nothing. */
  answer(id: bigint): void {
    if (id === this.#asked) this.#answered = id;
  }

  close(): void {
    if (this.#timer !== null) this.options.clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  #turn(): void {
    const { clock, ask, onSilent } = this.options;
    this.#missed = this.#asked === this.#answered ? 0 : this.#missed + 1;
    if (this.#missed >= MAX_MISSED) {
      this.#timer = null;
      return onSilent();
    }
    if (this.#missed === 0) ask(++this.#asked);
    this.#timer = clock.setTimer(PULSE_MS, () => this.#turn());
  }
}
