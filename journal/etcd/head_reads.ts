import { PactError } from "../../common/errors/mod.ts";

/** Most reads that may wait for a place at once. */
const MAX_WAITING = 10_000;

interface Reader {
  readonly resolve: (index: bigint) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Linearizable reads: each learns where the log ended at some moment after it came. One question
 * serves all that came before it was asked.
 */
export class HeadReads {
  readonly #ask: () => Promise<number>;
  #waiting: Reader[] = [];
  #isAsking = false;

  /** `ask` finds the log's last index, or throws what the readers are to be told. */
  constructor(ask: () => Promise<number>) {
    this.#ask = ask;
  }

  /** @throws {PactError} what stands against it, or the signal's reason. */
  async read(signal: AbortSignal | undefined): Promise<bigint> {
    signal?.throwIfAborted();
    if (this.#waiting.length >= MAX_WAITING) {
      throw new PactError("RESOURCE_EXHAUSTED", "too many linearizable reads are waiting");
    }
    const { promise, resolve, reject } = Promise.withResolvers<bigint>();
    const giveUp = () => reject(signal?.reason);
    signal?.addEventListener("abort", giveUp, { once: true });
    this.#waiting.push({ resolve, reject });
    if (!this.#isAsking) void this.#askAll();
    try {
      return await promise;
    } finally {
      signal?.removeEventListener("abort", giveUp);
    }
  }

  async #askAll(): Promise<void> {
    this.#isAsking = true;
    while (this.#waiting.length > 0) {
      const readers = this.#waiting;
      this.#waiting = [];
      try {
        const index = BigInt(await this.#ask());
        for (const { resolve } of readers) resolve(index);
      } catch (error) {
        for (const { reject } of readers) reject(error);
      }
    }
    this.#isAsking = false;
  }
}
