/**
 * What a program writes, kept within a bound: its beginning and its end, and how much lay between.
 */
export class OutputBuffer {
  readonly #head: Uint8Array[] = [];
  readonly #tail: Uint8Array[] = [];
  #headBytes = 0;
  #tailBytes = 0;
  #omittedBytes = 0;

  /** Keeps at most `maxBytes` of the head and as much of the tail. */
  constructor(private readonly maxBytes: number) {}

  /** Adds what was written. */
  write(chunk: Uint8Array): void {
    const room = this.maxBytes - this.#headBytes;
    if (room > 0) {
      const part = chunk.subarray(0, room);
      this.#head.push(part);
      this.#headBytes += part.length;
    }
    if (chunk.length > room) this.#writeTail(chunk.subarray(Math.max(0, room)));
  }

  /** The text so far; bytes that are not UTF-8 show as replacement characters. */
  text(): string {
    if (this.#omittedBytes === 0) return decode([...this.#head, ...this.#tail]);
    const notice = `\n[truncated, ${this.#omittedBytes} bytes omitted]\n`;
    return decode(this.#head) + notice + decode(this.#tail);
  }

  #writeTail(chunk: Uint8Array): void {
    this.#tail.push(chunk);
    this.#tailBytes += chunk.length;
    let excess = this.#tailBytes - this.maxBytes;
    while (excess > 0) {
      const first = this.#tail.shift() ?? new Uint8Array();
      if (first.length > excess) this.#tail.unshift(first.subarray(excess));
      const dropped = Math.min(first.length, excess);
      this.#tailBytes -= dropped;
      this.#omittedBytes += dropped;
      excess -= dropped;
    }
  }
}

function decode(chunks: readonly Uint8Array[]): string {
  const decoder = new TextDecoder();
  return chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join("") + decoder.decode();
}
