import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Files } from "../../ffi/mod.ts";
import { type InterfaceNews, interfacesUp } from "./interfaces.ts";

/*
 * Shell: looks at the network's interfaces while a service waits for one (NET-7), at once when there
 * are news of them. Owns one timer; ends by `close`.
 */

const POLL_MS = 1_000;

export class InterfacePoll {
  readonly #clock: Clock;
  readonly #files: Files;
  readonly #news: InterfaceNews | undefined;
  readonly #onLook: (up: ReadonlySet<string>) => void;
  readonly #endNews: (() => void) | undefined;
  #timer: TimerHandle | null = null;
  /** The first look is at once. */
  #delayMs = 0;
  #isClosed = false;

  /** Without news the kernel alone says what is up. */
  constructor(
    clock: Clock,
    files: Files,
    news: InterfaceNews | undefined,
    onLook: (up: ReadonlySet<string>) => void,
  ) {
    this.#clock = clock;
    this.#files = files;
    this.#news = news;
    this.#onLook = onLook;
    this.#endNews = news?.onChange(() => this.#hurry());
  }

  /** Has one more look taken, if none is on its way. */
  look(): void {
    if (this.#timer !== null || this.#isClosed) return;
    this.#timer = this.#clock.setTimer(this.#delayMs, () => {
      this.#timer = null;
      this.#onLook(this.#ready());
    });
    this.#delayMs = POLL_MS;
  }

  /** A look that is on its way is taken now. */
  #hurry(): void {
    if (this.#timer === null) return;
    this.#clock.clearTimer(this.#timer);
    this.#timer = null;
    this.#delayMs = 0;
    this.look();
  }

  #ready(): ReadonlySet<string> {
    const ready = new Set(interfacesUp(this.#files));
    for (const [name, isReady] of this.#news?.readiness() ?? []) {
      if (isReady) ready.add(name);
      else ready.delete(name);
    }
    return ready;
  }

  close(): void {
    this.#isClosed = true;
    this.#endNews?.();
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
  }
}
