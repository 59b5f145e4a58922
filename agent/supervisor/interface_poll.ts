import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Files } from "../../ffi/mod.ts";
import { interfacesUp } from "./interfaces.ts";

/*
 * Shell: looks at the network's interfaces while a service waits for one (NET-7). Owns one timer; ends
 * by `close`.
 */

const POLL_MS = 1_000;

export class InterfacePoll {
  readonly #clock: Clock;
  readonly #files: Files;
  readonly #onLook: (up: ReadonlySet<string>) => void;
  #timer: TimerHandle | null = null;
  /** The first look is at once. */
  #delayMs = 0;
  #isClosed = false;

  constructor(clock: Clock, files: Files, onLook: (up: ReadonlySet<string>) => void) {
    this.#clock = clock;
    this.#files = files;
    this.#onLook = onLook;
  }

  /** Has one more look taken, if none is on its way. */
  look(): void {
    if (this.#timer !== null || this.#isClosed) return;
    this.#timer = this.#clock.setTimer(this.#delayMs, () => {
      this.#timer = null;
      this.#onLook(interfacesUp(this.#files));
    });
    this.#delayMs = POLL_MS;
  }

  close(): void {
    this.#isClosed = true;
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
  }
}
