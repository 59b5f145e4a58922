import type { CommittedBatch } from "../log/mod.ts";

/** One thing to apply and what to do once it is. */
export interface Applicable {
  readonly batch: CommittedBatch;
  readonly onApplied: () => void;
}

/**
 * Committed work on its way to the one who applies it, in order. Bounded by the core, which hands
 * out a limited number of bytes until they are reported applied.
 */
export class ApplyQueue {
  readonly #items: Applicable[] = [];
  #arrived = Promise.withResolvers<void>();
  #isClosed = false;

  push(item: Applicable): void {
    this.#items.push(item);
    this.#arrived.resolve();
  }

  /** Ends the iteration once what is here has been taken. */
  close(): void {
    this.#isClosed = true;
    this.#arrived.resolve();
  }

  /** Batches in order; asking for the next reports the one before as applied. */
  async *batches(signal: AbortSignal | undefined): AsyncGenerator<CommittedBatch> {
    const wake = () => this.#arrived.resolve();
    signal?.addEventListener("abort", wake, { once: true });
    try {
      while (signal?.aborted !== true) {
        const item = this.#items.shift();
        if (item !== undefined) {
          yield item.batch;
          item.onApplied();
          continue;
        }
        if (this.#isClosed) return;
        await this.#arrived.promise;
        this.#arrived = Promise.withResolvers();
      }
    } finally {
      signal?.removeEventListener("abort", wake);
    }
  }
}
