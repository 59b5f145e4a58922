/** Keeps a source going: opened again after 1 to 60 s when it fails (OBS-13). It owns the source and a
 * timer and ends by `close`. */

import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { isShimError } from "../../ffi/mod.ts";
import type { Source } from "./source.ts";

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;

/** What is kept. */
export interface KeptSourceOptions {
  /** As status and log name it. */
  readonly name: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly open: () => Source;
}

export class KeptSource implements Source {
  #source: Source | undefined;
  #timer: TimerHandle | undefined;
  #waitMs = FIRST_WAIT_MS;
  #failure: string | undefined;
  #isClosed = false;

  constructor(private readonly options: KeptSourceOptions) {
    this.#open();
  }

  /** Why it is not there; undefined while it works. */
  get failure(): string | undefined {
    return this.#failure;
  }

  close(): void {
    this.#isClosed = true;
    if (this.#timer !== undefined) this.options.clock.clearTimer(this.#timer);
    this.#source?.close();
    this.#source = undefined;
  }

  #open(): void {
    const { name, open, clock, log } = this.options;
    if (this.#isClosed) return;
    try {
      this.#source = open();
      if (this.#failure !== undefined) log.info(`observer ${name}: available again`);
      this.#failure = undefined;
      this.#waitMs = FIRST_WAIT_MS;
    } catch (error) {
      if (!isShimError(error)) throw error;
      if (this.#failure !== error.message) {
        log.warn(`observer ${name}: unavailable`, { reason: error.message });
      }
      this.#failure = error.message;
      this.#timer = clock.setTimer(this.#waitMs, () => this.#open());
      this.#waitMs = Math.min(this.#waitMs * 2, LONGEST_WAIT_MS);
    }
  }
}
