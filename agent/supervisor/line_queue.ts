/** Lines on their way to a reader that may be slow: beyond the bound they are counted, not kept. */
export class LineQueue {
  readonly #maxLines: number;
  readonly #lines: string[] = [];
  #lost = 0;
  #ended = false;
  #wake: () => void = () => {};

  constructor(maxLines = 10_000) {
    this.#maxLines = maxLines;
  }

  push(line: string): void {
    if (this.#lines.length < this.#maxLines) this.#lines.push(line);
    else this.#lost++;
    this.#wake();
  }

  /** No more lines will come. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Everything pushed, until the end or the signal. One reader at a time. */
  async *lines(signal?: AbortSignal): AsyncGenerator<string> {
    const onAbort = () => this.#wake();
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      while (!signal?.aborted) {
        const batch = this.#lines.splice(0);
        if (this.#lost > 0) batch.push(`${this.#lost} lines dropped`);
        this.#lost = 0;
        yield* batch;
        if (this.#lines.length > 0) continue;
        if (this.#ended || signal?.aborted) return;
        await new Promise<void>((resolve) => this.#wake = resolve);
      }
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }
}
