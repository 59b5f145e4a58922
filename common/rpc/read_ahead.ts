import type { ClientHttp2Stream } from "node:http2";

/** How much of an answer is held before the stream is paused: back-pressure begins here. */
const bufferMaxBytes = 64 * 1024;

/**
 * Gives a client stream an async iterator that takes the answer over as it arrives.
 *
 * The runtime ends a client's session in the tick after the last frame, once the server has said
 * GOAWAY, and with it every stream whose answer has arrived and is not read yet: the plain iterator
 * then fails with "Premature close". An answer that has arrived must count, so it is taken from the
 * stream while it comes in, within a bound.
 */
export function readAhead(stream: ClientHttp2Stream): void {
  const reader = new AheadReader(stream);
  Object.defineProperty(stream, Symbol.asyncIterator, { value: () => reader });
}

class AheadReader implements AsyncIterator<Uint8Array> {
  readonly #stream: ClientHttp2Stream;
  readonly #chunks: Uint8Array[] = [];
  #bufferedBytes = 0;
  #end: { error?: Error } | undefined;
  #waiting: PromiseWithResolvers<void> | undefined;

  constructor(stream: ClientHttp2Stream) {
    this.#stream = stream;
    stream.on("data", (chunk: Uint8Array) => this.#take(chunk));
    stream.once("end", () => this.#finish({}));
    stream.on("error", (error) => this.#finish({ error }));
    stream.once("close", () => this.#finish({ error: new Error("Premature close") }));
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    while (this.#chunks.length === 0 && this.#end === undefined) {
      this.#waiting ??= Promise.withResolvers<void>();
      await this.#waiting.promise;
    }
    const chunk = this.#chunks.shift();
    if (chunk !== undefined) {
      this.#bufferedBytes -= chunk.byteLength;
      if (this.#stream.isPaused() && this.#bufferedBytes < bufferMaxBytes) this.#stream.resume();
      return { done: false, value: chunk };
    }
    if (this.#end?.error !== undefined) throw this.#end.error;
    return { done: true, value: undefined };
  }

  #take(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#bufferedBytes += chunk.byteLength;
    if (this.#bufferedBytes >= bufferMaxBytes) this.#stream.pause();
    this.#wake();
  }

  /** The first end counts: a close after the end is the normal case. */
  #finish(end: { error?: Error }): void {
    this.#end ??= end;
    this.#wake();
  }

  #wake(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }
}
