/**
 * Owns the worker that folds the write-ahead log of one state file. It starts with the first round
 * and ends with `stop`, after which no connection but the owner's is open.
 *
 * @module
 */
import { newGate, shutGate } from "./fold_gate.ts";
import type { FoldJob } from "./fold_worker.ts";

/** Folds the write-ahead log of a state file while its owner goes on. */
export class BackgroundFold {
  readonly #gate = newGate();
  #worker: Worker | undefined;
  #isFolding = false;

  constructor(private readonly path: string) {}

  /** Asks for a round, unless one is under way. */
  request(): void {
    if (this.#isFolding) return;
    this.#isFolding = true;
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
    // Without a worker the owner folds by itself, as it commits; it is not asked again.
    worker.onerror = (event) => event.preventDefault();
    return worker;
  }
}
