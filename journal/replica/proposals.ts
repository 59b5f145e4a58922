import { PactError } from "../../common/errors/mod.ts";
import type { CommandResult, Outcome } from "../state/mod.ts";

interface Waiting {
  readonly resolve: (result: CommandResult) => void;
  readonly reject: (error: unknown) => void;
}

/** This process's own proposals that wait to come back applied. */
export class Proposals {
  readonly #prefix: string;
  readonly #waiting = new Map<string, Waiting>();
  #last = 0;
  #emptied = Promise.withResolvers<void>();

  /** `random` yields numbers in [0, 1); the ids of two processes must not meet. */
  constructor(random: () => number) {
    this.#prefix = Array.from({ length: 4 }, () => word(random())).join("");
  }

  /** A new id, and the promise of what comes of it. */
  begin(signal: AbortSignal | undefined): {
    readonly id: string;
    readonly result: Promise<CommandResult>;
  } {
    signal?.throwIfAborted();
    const id = `${this.#prefix}-${++this.#last}`;
    const { promise, resolve, reject } = Promise.withResolvers<CommandResult>();
    this.#waiting.set(id, { resolve, reject });
    const giveUp = () => this.fail(id, signal?.reason);
    signal?.addEventListener("abort", giveUp, { once: true });
    const result = promise.finally(() => signal?.removeEventListener("abort", giveUp));
    // A rejection is reported to whoever awaits the result; it may come before they do.
    result.catch(() => {});
    return { id, result };
  }

  /** Reports the outcome of `id`; ids of other processes are none of ours. */
  settle(id: string, outcome: Outcome): void {
    const waiting = this.#take(id);
    if (waiting === undefined) return;
    if (outcome.kind === "rejected") {
      waiting.reject(new PactError(outcome.rejection.code, outcome.rejection.message));
    } else {
      waiting.resolve(outcome.result);
    }
  }

  /** Ends the wait for `id`. */
  fail(id: string, error: unknown): void {
    this.#take(id)?.reject(error);
  }

  /** Ends every wait. */
  failAll(error: unknown): void {
    for (const id of [...this.#waiting.keys()]) this.fail(id, error);
  }

  /** Resolves once nothing waits. */
  async drained(): Promise<void> {
    while (this.#waiting.size > 0) await this.#emptied.promise;
  }

  #take(id: string): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return undefined;
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) {
      this.#emptied.resolve();
      this.#emptied = Promise.withResolvers();
    }
    return waiting;
  }
}

function word(fraction: number): string {
  return Math.floor(fraction * 2 ** 32).toString(16).padStart(8, "0");
}
