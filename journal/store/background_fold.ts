/**
 * Owns the worker that folds the write-ahead log of one state file. It starts with the first round
 * and ends with `stop`, after which no connection but the owner's is open.
 *
 * @module
 */
import { newGate, shutGate } from "./fold_gate.ts";
import type { FoldJob } from "./fold_worker.ts";

/**
 * Rounds until the log begins anew. A log of a few megabytes is written over and over in memory that
 * is at hand, which makes commits a quarter cheaper; but each beginning makes the owner wait for a
 * sync of the log's header.
 */
const ROUNDS_OF_LOG = 3;

/** Folds the write-ahead log of a state file while its owner goes on. */
export class BackgroundFold {
  readonly #gate = newGate();
  #worker: Worker | undefined;
  #isFolding = false;
  #isBroken = false;
  #rounds = 0;

  constructor(private readonly path: string) {}

  /**
   * Whether a round is under way behind which the log should begin anew. It does with the first
   * transaction that begins while all of the log is folded, so none should before the round is over.
   */
  get isEndingLog(): boolean {
    return this.#isFolding && this.#rounds % ROUNDS_OF_LOG === 0;
  }

  /** Asks for a round, unless one is under way. */
  request(): void {
    if (this.#isFolding || this.#isBroken) return;
    this.#isFolding = true;
    this.#rounds++;
    this.#worker ??= this.#start();
    const job: FoldJob = { path: this.path, gate: this.#gate };
    this.#worker.postMessage(job);
  }

  /** Ends the worker and waits for a round under way. */
  stop(): void {
    shutGate(this.#gate);
    this.#worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(new URL("./fold_worker.ts", import.meta.url), {
      type: "module",
      name: "journal state fold",
    });
    worker.onmessage = () => this.#isFolding = false;
    worker.onerror = (event) => {
      event.preventDefault();
      // Without a worker the owner folds by itself, as it commits; it is not asked again.
      this.#isBroken = true;
      this.#isFolding = false;
    };
    return worker;
  }
}
