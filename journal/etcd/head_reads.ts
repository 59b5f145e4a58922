import type { Clock } from "../../common/clock/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import type { EtcdConnection } from "./connect_etcd.ts";
import { pause } from "./pause.ts";
import { readHead } from "./store.ts";

/** Most reads that may wait for a place at once. */
const MAX_WAITING = 10_000;

/** How long etcd is asked (JRN-58). */
const LIMIT_MS = 5_000;
const RETRY_MS = 100;

/** What reading needs besides etcd. */
export interface HeadReadsOptions {
  readonly clock: Clock;
  /** Ends all reads. */
  readonly signal: AbortSignal;
  /** What readers are told whom etcd does not answer. */
  readonly failure: () => PactError;
}

interface Reader {
  readonly resolve: (index: bigint) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Linearizable reads: each learns where the log ended at some moment after it came. One question
 * serves all that came before it was asked.
 */
export class HeadReads {
  readonly #etcd: Pick<EtcdConnection, "client" | "keys">;
  readonly #options: HeadReadsOptions;
  #waiting: Reader[] = [];
  #isAsking = false;

  constructor(etcd: Pick<EtcdConnection, "client" | "keys">, options: HeadReadsOptions) {
    this.#etcd = etcd;
    this.#options = options;
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
        const index = await this.#ask();
        for (const { resolve } of readers) resolve(index);
      } catch (error) {
        for (const { reject } of readers) reject(error);
      }
    }
    this.#isAsking = false;
  }

  async #ask(): Promise<bigint> {
    const { clock, signal, failure } = this.#options;
    const endMs = clock.monotonicMs() + LIMIT_MS;
    // Ends with an answer or when the time is up.
    while (true) {
      try {
        return BigInt((await readHead(this.#etcd.client, this.#etcd.keys, signal)).lastIndex);
      } catch {
        if (signal.aborted || clock.monotonicMs() >= endMs) throw failure();
        await pause(clock, RETRY_MS, signal);
      }
    }
  }
}
