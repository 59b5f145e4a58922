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
    let newline = bytes.indexOf(NEWLINE);
    while (start < bytes.length) {
      if (newline >= 0 && newline - start <= this.#maxBytes) {
        lines.push(bytes.subarray(start, newline));
        start = newline + 1;
        newline = bytes.indexOf(NEWLINE, start);
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

  /** As `push` for a chunk nobody wants: how many lines it would have completed. */
  skip(chunk: Uint8Array): number {
    let lines = 0;
    let start = 0;
    // A plain loop: ten times as fast as a search for each of many short lines.
    for (let at = 0; at < chunk.length; at++) {
      if (chunk[at] !== NEWLINE) continue;
      lines++;
      start = at + 1;
    }
    if (start > 0) this.#rest = chunk.slice(start);
    else this.#rest = concatenate(this.#rest, chunk);
    if (this.#rest.length <= this.#maxBytes) return lines;
    this.#rest = new Uint8Array(0);
    return lines + 1;
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
