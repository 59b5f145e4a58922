import { PactError } from "../../common/errors/mod.ts";
import { LinearReads, type ReadEffect, READS_MAX_WAITING } from "../member/mod.ts";
import type { ReadState } from "../raft/mod.ts";

/** How long a question to the leader may stay without an answer before it is asked again. */
const RETRY_MS = 500;

/** How long a read waits in all for somebody to say where it stands (JRN-58). */
const WAIT_MS = 5_000;

interface Reader {
  readonly sinceMs: number;
  readonly resolve: (index: bigint) => void;
  readonly reject: (error: unknown) => void;
}

/** The callers behind {@link LinearReads}: promises for the places it finds. */
export class Readers {
  readonly #reads: LinearReads;
  readonly #readers = new Map<number, Reader>();
  readonly #ask: (context: Uint8Array) => void;
  #isFlushDue = false;

  /** `ask` puts a question to the core. */
  constructor(origin: number, ask: (context: Uint8Array) => void) {
    this.#reads = new LinearReads(origin, RETRY_MS);
    this.#ask = ask;
  }

  /** See `ReplicatedLog.readIndex`. */
  async readIndex(nowMs: () => number, signal: AbortSignal | undefined): Promise<bigint> {
    signal?.throwIfAborted();
    if (this.#readers.size >= READS_MAX_WAITING) {
      throw new PactError("RESOURCE_EXHAUSTED", "too many linearizable reads are waiting");
    }
    const id = this.#reads.add();
    const { promise, resolve, reject } = Promise.withResolvers<bigint>();
    const giveUp = () => reject(signal?.reason);
    signal?.addEventListener("abort", giveUp, { once: true });
    this.#readers.set(id, { sinceMs: nowMs(), resolve, reject });
    this.#flushSoon(nowMs);
    try {
      return await promise;
    } finally {
      signal?.removeEventListener("abort", giveUp);
      this.#readers.delete(id);
      this.#reads.forget(id);
    }
  }

  /** The core says where a question's reads stand. */
  answered(state: ReadState): void {
    this.#perform(this.#reads.answered(state));
  }

  /** Time passes; `failure` says what to tell those who have waited too long. */
  tick(nowMs: number, failure: () => PactError): void {
    for (const { sinceMs, reject } of this.#readers.values()) {
      if (nowMs - sinceMs >= WAIT_MS) reject(failure());
    }
    this.#perform(this.#reads.tick(nowMs));
  }

  failAll(error: unknown): void {
    for (const { reject } of this.#readers.values()) reject(error);
  }

  /** One question serves all reads of one turn of the event loop. */
  #flushSoon(nowMs: () => number): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    setImmediate(() => {
      this.#isFlushDue = false;
      this.#perform(this.#reads.flush(nowMs()));
    });
  }

  #perform(effects: readonly ReadEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === "ask") this.#ask(effect.context);
      else for (const id of effect.ids) this.#readers.get(id)?.resolve(BigInt(effect.index));
    }
  }
}
