/**
 * Writing and reading of the packed form: bytes, and whole numbers in groups of seven bits, lowest
 * first, the eighth bit set on all groups but the last.
 */

/** Bytes that are not what they should be; whoever sent them is not to be listened to. */
export class CodecError extends Error {
  override readonly name = "CodecError";
}

const NO_BYTES = new Uint8Array(0);
const GROUP = 128;
/** Seven groups hold 49 bits and the eighth the last four of a safe integer's 53. */
const LONGEST_NUMBER_BYTES = 8;

/** Collects bytes in a buffer that grows. */
export class ByteWriter {
  #buffer: Uint8Array<ArrayBuffer>;
  #length = 0;

  constructor(capacityBytes: number) {
    this.#buffer = new Uint8Array(Math.max(capacityBytes, 16));
  }

  /** Leaves bytes for whoever gets the whole to fill. */
  skip(bytes: number): void {
    this.#reserve(bytes);
    this.#length += bytes;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
  }

  /** A safe integer from 0. */
  number(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new CodecError(`${value} is not a safe integer from 0`);
    }
    this.#reserve(LONGEST_NUMBER_BYTES);
    let rest = value;
    while (rest >= GROUP) {
      this.#buffer[this.#length++] = (rest % GROUP) | GROUP;
      rest = Math.floor(rest / GROUP);
    }
    this.#buffer[this.#length++] = rest;
  }

  /** Length, then the bytes. */
  bytes(value: Uint8Array): void {
    this.number(value.length);
    this.#reserve(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  /** Length, then as many bytes as `put` writes into the buffer from a place on. */
  filled(length: number, put: (buffer: Uint8Array, at: number) => void): void {
    this.number(length);
    this.#reserve(length);
    put(this.#buffer, this.#length);
    this.#length += length;
  }

  /** What has been written; the writer must not be used afterwards. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(0, this.#length);
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }
}

/** Takes bytes apart; every method throws {@link CodecError} where they end too early. */
export class ByteReader {
  #at = 0;

  constructor(private readonly source: Uint8Array) {}

  get remaining(): number {
    return this.source.length - this.#at;
  }

  byte(): number {
    const value = this.source[this.#at];
    if (value === undefined) throw new CodecError("the bytes end too early");
    this.#at++;
    return value;
  }

  /** A safe integer, in no more groups than it needs. */
  number(): number {
    let value = 0;
    let weight = 1;
    for (let groups = 1; groups <= LONGEST_NUMBER_BYTES; groups++) {
      const group = this.byte();
      value += (group % GROUP) * weight;
      if (group < GROUP) {
        if (group === 0 && groups > 1) throw new CodecError("a number is longer than it needs be");
        if (!Number.isSafeInteger(value)) throw new CodecError("a number is too large");
        return value;
      }
      weight *= GROUP;
    }
    throw new CodecError("a number is too long");
  }

  /**
   * A number of items that follow, each at least `itemMinBytes` long: a count that cannot be true
   * is refused before anything is made for it.
   */
  count(itemMinBytes: number): number {
    const count = this.number();
    if (count * itemMinBytes > this.remaining) {
      throw new CodecError("more items are announced than there are bytes for");
    }
    return count;
  }

  /** A copy: what is read outlives the message it came in, and must not keep the rest alive. */
  bytes(): Uint8Array {
    const view = this.view();
    return view.length === 0 ? NO_BYTES : view.slice();
  }

  /** A view of the source. */
  view(): Uint8Array {
    const length = this.number();
    if (length > this.remaining) throw new CodecError("the bytes end too early");
    this.#at += length;
    return this.source.subarray(this.#at - length, this.#at);
  }

  /** @throws CodecError when something is left over. */
  end(): void {
    if (this.remaining > 0) throw new CodecError(`${this.remaining} bytes are left over`);
  }
}
