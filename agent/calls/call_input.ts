import { FrameError } from "../port/mod.ts";

/** Messages that the worker may send ahead; its credit to begin with. */
const MAX_WAITING = 16;

/**
 * What a caller says after its request, until it is taken. It owns the messages that wait; the
 * iteration ends when the caller has said all, or by `close`.
 */
export class CallInputQueue implements AsyncIterable<Uint8Array> {
  readonly #waiting: Uint8Array[] = [];
  #hasEnded = false;
  #wake: (() => void) | undefined;

  /** `taken` is called for every message that was taken. */
  constructor(private readonly taken: () => void) {}

  /** @throws {FrameError} when the worker sends more than it was given credit for. */
  push(message: Uint8Array): void {
    if (this.#hasEnded) return;
    if (this.#waiting.length >= MAX_WAITING) throw new FrameError("input without credit");
    this.#waiting.push(message);
    this.#wake?.();
  }

  /** Nothing more comes; what waits can still be taken. */
  end(): void {
    this.#hasEnded = true;
    this.#wake?.();
  }

  /** Nothing more is taken. */
  close(): void {
    this.#waiting.length = 0;
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    // Ends by `end` or `close`.
    while (true) {
      const message = this.#waiting.shift();
      if (message !== undefined) {
        this.taken();
        yield message;
      } else if (this.#hasEnded) {
        return;
      } else {
        const { promise, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        await promise;
      }
    }
  }
}
