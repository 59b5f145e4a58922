import { ChurningMap } from "../../common/collections/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import type { CommandResult, Outcome } from "../state/mod.ts";
import type { WaitSignal } from "./types.ts";

interface Waiting {
  readonly resolve: (result: CommandResult) => void;
  readonly reject: (error: unknown) => void;
  readonly signal: WaitSignal | undefined;
  readonly giveUp: () => void;
  readonly startedMs: number;
}

/** Whom proposals belong to. */
export interface ProposalsSite {
  readonly monotonicMs: () => number;
  /** Numbers in [0, 1); the ids of two processes must not meet. */
  readonly random: () => number;
  /** Hears of each wait that is over, just before whoever waits does. */
  readonly onOver: (id: string) => void;
  /** Hears how long each command took that was applied. */
  readonly onApplied?: ((durationMs: number) => void) | undefined;
}

/** This process's own proposals that wait to come back applied. */
export class Proposals {
  readonly #prefix: string;
  readonly #waiting = new ChurningMap<string, Waiting>();
  #last = 0;
  /** Made for whoever waits until nothing does. */
  #emptied: PromiseWithResolvers<void> | undefined;

  constructor(private readonly site: ProposalsSite) {
    this.#prefix = Array.from({ length: 4 }, () => word(site.random())).join("");
  }

  /** A new id, and the promise of what comes of it, which is to be awaited in the same turn. */
  begin(signal: WaitSignal | undefined): {
    readonly id: string;
    readonly result: Promise<CommandResult>;
  } {
    if (signal?.aborted === true) throw signal.reason;
    const id = `${this.#prefix}-${++this.#last}`;
    const { promise, resolve, reject } = Promise.withResolvers<CommandResult>();
    const giveUp = () => this.fail(id, signal?.reason);
    signal?.addEventListener("abort", giveUp);
    const startedMs = this.site.monotonicMs();
    this.#waiting.set(id, { resolve, reject, signal, giveUp, startedMs });
    return { id, result: promise };
  }

  /** Reports the outcome of `id`; ids of other processes are none of ours. */
  settle(id: string, outcome: Outcome): void {
    const waiting = this.#take(id);
    if (waiting === undefined) return;
    if (outcome.kind === "rejected") {
      waiting.reject(new PactError(outcome.rejection.code, outcome.rejection.message));
    } else {
      this.site.onApplied?.(this.site.monotonicMs() - waiting.startedMs);
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
    while (this.#waiting.size > 0) {
      this.#emptied ??= Promise.withResolvers();
      await this.#emptied.promise;
    }
  }

  #take(id: string): Waiting | undefined {
    const waiting = this.#waiting.delete(id);
    if (waiting === undefined) return undefined;
    this.site.onOver(id);
    waiting.signal?.removeEventListener("abort", waiting.giveUp);
    if (this.#waiting.size === 0) {
      this.#emptied?.resolve();
      this.#emptied = undefined;
    }
    return waiting;
  }
}

function word(fraction: number): string {
  return Math.floor(fraction * 2 ** 32).toString(16).padStart(8, "0");
}
