/**
 * Asks a source every minute to prove that it lives (OBS-13): a file is touched, and its change has to be
 * told. It owns a timer and ends by `close`.
 */

import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { isShimError } from "../../ffi/mod.ts";

const INTERVAL_MS = 60_000;
const LIMIT_MS = 5_000;

/** What a life sign is made of. */
export interface LifeSignOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** As the log names the source. */
  readonly source: string;
  /** Does what the source has to tell of. Throws ShimError. */
  readonly touch: () => void;
}

export class LifeSign {
  #timer: TimerHandle | undefined;
  #isAwaited = false;
  #isMissing = false;

  constructor(private readonly options: LifeSignOptions) {
    this.#wait(INTERVAL_MS, () => this.#ask());
  }

  /** The source did not tell, the last time it was asked. */
  get isMissing(): boolean {
    return this.#isMissing;
  }

  /** The source has told of the touch. */
  seen(): void {
    this.#isAwaited = false;
    if (this.#isMissing) this.options.log.info(`observer ${this.options.source}: alive again`);
    this.#isMissing = false;
  }

  close(): void {
    if (this.#timer !== undefined) this.options.clock.clearTimer(this.#timer);
    this.#timer = undefined;
  }

  #ask(): void {
    this.#isAwaited = true;
    try {
      this.options.touch();
    } catch (error) {
      // A full disk says nothing about the source.
      if (!isShimError(error)) throw error;
      this.#isAwaited = false;
    }
    this.#wait(LIMIT_MS, () => this.#judge());
  }

  #judge(): void {
    if (this.#isAwaited && !this.#isMissing) {
      this.options.log.warn(`observer ${this.options.source}: no sign of life`, {
        consequence: "scans come twice as often",
      });
    }
    this.#isMissing = this.#isAwaited;
    this.#wait(INTERVAL_MS - LIMIT_MS, () => this.#ask());
  }

  #wait(delayMs: number, then: () => void): void {
    this.#timer = this.options.clock.setTimer(delayMs, then);
  }
}
