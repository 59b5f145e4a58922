const NEWLINE = 0x0a;

/** Longest line kept in one piece (LGX-1). */
export const MAX_LINE_BYTES = 8 * 1024;

/**
 * Cuts a stream of bytes into lines without their newline; what is longer than the bound becomes
 * several. Holds at most one unfinished line.
 */
export class LineFramer {
  readonly #maxBytes: number;
  #rest = new Uint8Array(0);

  constructor(maxBytes: number = MAX_LINE_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** The lines that `chunk` completes. */
  push(chunk: Uint8Array): Uint8Array[] {
    const bytes = this.#rest.length === 0 ? chunk : concatenate(this.#rest, chunk);
    const lines: Uint8Array[] = [];
    let start = 0;
    while (start < bytes.length) {
      const newline = bytes.subarray(start, start + this.#maxBytes + 1).indexOf(NEWLINE);
      if (newline >= 0) {
        lines.push(bytes.subarray(start, start + newline));
        start += newline + 1;
      } else if (bytes.length - start > this.#maxBytes) {
        lines.push(bytes.subarray(start, start + this.#maxBytes));
        start += this.#maxBytes;
      } else {
        break;
      }
    }
    this.#rest = bytes.slice(start);
    return lines;
  }

  /** The unfinished line at the end of the stream, if there is one. */
  end(): Uint8Array[] {
    const rest = this.#rest;
    this.#rest = new Uint8Array(0);
    return rest.length === 0 ? [] : [rest];
  }
}

function concatenate(head: Uint8Array, tail: Uint8Array): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(head.length + tail.length);
  joined.set(head);
  joined.set(tail, head.length);
  return joined;
}
