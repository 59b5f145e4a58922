import { PactError } from "../../common/errors/mod.ts";

/** Most callers that may wait for sequences at once. */
const MAX_WAITERS = 20_000;

interface Waiter {
  readonly sequence: number;
  readonly resolve: () => void;
}

/** Callers that wait until an entry is applied here (JRN-59). */
export class SequenceWaiters {
  readonly #waiters = new Set<Waiter>();

  /** Resolves when {@link reached} reports `sequence`; rejects with the signal's reason. */
  wait(sequence: number, signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    if (this.#waiters.size >= MAX_WAITERS) {
      return Promise.reject(
        new PactError("RESOURCE_EXHAUSTED", "too many reads wait for newer state"),
      );
    }
    const waiter = { sequence, resolve };
    const giveUp = () => {
      this.#waiters.delete(waiter);
      reject(signal?.reason);
    };
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    signal?.addEventListener("abort", giveUp, { once: true });
    this.#waiters.add(waiter);
    return promise.finally(() => signal?.removeEventListener("abort", giveUp));
  }

  /** Lets go whoever waited for `sequence` or less. */
  reached(sequence: number): void {
    for (const waiter of this.#waiters) {
      if (waiter.sequence > sequence) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }
}
