/** Places of one page. */
export const PAGE_PLACES = 128;

/** A value that is JSON, as long as it is in use. */
export type Packable = string | object;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * Values in the places 0 to {@link PAGE_PLACES} - 1. An open page has them as they are, a closed one
 * as the bytes of their JSON, which the garbage collector passes over. They are made into bytes and
 * back all at once: one by one each costs several times as much.
 */
export class PackedPage<V extends Packable> {
  /** When it was last used, by whatever clock its owner has. */
  usedAt = 0;
  readonly #isHeld = new Uint8Array(PAGE_PLACES);
  #count = 0;
  /** Of an open page: the values. */
  #values: (V | undefined)[] | undefined;
  /** Of a closed page: their JSON, and that of values deleted since. */
  #bytes = new Uint8Array();
  /** Whether there are values which the bytes are not of. */
  #isChanged = false;

  /** Values that are held. */
  get count(): number {
    return this.#count;
  }

  get isOpen(): boolean {
    return this.#values !== undefined;
  }

  has(place: number): boolean {
    return this.#isHeld[place] === 1;
  }

  get(place: number): V | undefined {
    return this.has(place) ? this.#opened()[place] : undefined;
  }

  set(place: number, value: V): void {
    this.#opened()[place] = value;
    this.#isChanged = true;
    if (!this.has(place)) this.#count++;
    this.#isHeld[place] = 1;
  }

  /** Whether there was one. A closed page stays closed. */
  delete(place: number): boolean {
    if (!this.has(place)) return false;
    this.#isHeld[place] = 0;
    this.#count--;
    if (this.#values !== undefined) this.#values[place] = undefined;
    return true;
  }

  close(): void {
    if (this.#isChanged) this.#bytes = encoder.encode(JSON.stringify(this.#values));
    this.#isChanged = false;
    this.#values = undefined;
  }

  /** Places in use. */
  *places(): Generator<number> {
    for (let place = 0; place < PAGE_PLACES; place++) {
      if (this.has(place)) yield place;
    }
  }

  #opened(): (V | undefined)[] {
    if (this.#values !== undefined) return this.#values;
    this.#values = this.#bytes.length === 0 ? blank() : this.#unpacked();
    return this.#values;
  }

  #unpacked(): (V | undefined)[] {
    const values: (V | undefined)[] = JSON.parse(decoder.decode(this.#bytes));
    for (let place = 0; place < PAGE_PLACES; place++) {
      if (!this.has(place)) values[place] = undefined;
    }
    return values;
  }
}

function blank(): undefined[] {
  return Array(PAGE_PLACES).fill(undefined);
}
