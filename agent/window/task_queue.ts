/** Runs one task after the other, and something after each of them. Ends when nobody adds any. */
export class TaskQueue {
  readonly #after: () => Promise<void>;
  readonly #onError: (error: unknown) => void;
  #tail: Promise<void> = Promise.resolve();

  /** `after` runs when a task has ended, well or not; what it throws goes to `onError`. */
  constructor(after: () => Promise<void>, onError: (error: unknown) => void) {
    this.#after = after;
    this.#onError = onError;
  }

  /** Resolves or rejects as the task does, once it has had its turn. */
  run<Result>(task: () => Promise<Result>): Promise<Result> {
    const result = this.#tail.then(async () => {
      try {
        return await task();
      } finally {
        await this.#after().catch(this.#onError);
      }
    });
    this.#tail = result.then(() => {}, () => {});
    return result;
  }

  /** As run, for a task nobody waits for. */
  runInBackground(task: () => Promise<void>): void {
    this.run(task).catch(this.#onError);
  }

  /** Resolves when everything added so far has ended. */
  idle(): Promise<void> {
    return this.#tail;
  }
}
