/**
 * Lets so many calls run at once and so many wait (MCP-7). It owns the queue; a waiting call leaves
 * it when its signal aborts.
 */
export class CallSlots {
  readonly #waiting: PromiseWithResolvers<void>[] = [];
  readonly #idle = new Set<() => void>();
  #running = 0;

  constructor(private readonly limits: { readonly running: number; readonly waiting: number }) {}

  /**
   * Runs `work` when there is a slot for it.
   *
   * @throws {CallQueueFull} when too many wait already; the signal's reason when it aborts first.
   */
  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#enter(signal);
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  /** Settles once nothing runs and nothing waits. */
  whenIdle(): Promise<void> {
    if (this.#running === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.add(resolve));
  }

  async #enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#running < this.limits.running) {
      this.#running++;
      return;
    }
    if (this.#waiting.length >= this.limits.waiting) throw new CallQueueFull();
    const turn = Promise.withResolvers<void>();
    const onAbort = () => {
      const index = this.#waiting.indexOf(turn);
      if (index >= 0) this.#waiting.splice(index, 1);
      turn.reject(signal.reason);
    };
    this.#waiting.push(turn);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await turn.promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  /** Hands the slot to the next in line, so that no newcomer can take it in between. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next !== undefined) return next.resolve();
    this.#running--;
    if (this.#running > 0) return;
    for (const resolve of this.#idle) resolve();
    this.#idle.clear();
  }
}

/** More calls wait than are let wait. */
export class CallQueueFull extends Error {
  override readonly name = "CallQueueFull";

  constructor() {
    super("too many calls at once; wait for some to end");
  }
}
