import { PackedValues } from "./packed_values.ts";

/** Places of an empty table; a power of two, as all that follow. */
const FIRST_PLACES = 1024;

/** The hash that says that a place is free. */
const FREE = 0;

/**
 * Documents by key as a `Map` holds them, for a hundred thousand keys that come and go. A `Map` of so
 * many keeps those that went until it is copied as a whole, and the garbage collector has to look at
 * each of their documents and keys.
 *
 * A document lies at the place that the hash of its key names or, where that is taken, at the first
 * free one behind it. At least half of the places are free, so that none lies far from its own.
 */
export class HashedTable<D extends object> {
  /** Drawn for each table: nobody can tell which keys would all lie at one place. */
  readonly #seed = crypto.getRandomValues(new Int32Array(1))[0] ?? 0;
  #hashes = new Int32Array(FIRST_PLACES);
  /** Of a place that is taken: the number of what lies there. */
  #numbers = new Float64Array(FIRST_PLACES);
  #size = 0;
  /** Numbered as they come. A document is not unpacked where its key is asked for. */
  readonly #keys = new PackedValues<string>();
  readonly #documents = new PackedValues<D>();
  #nextNumber = 0;
  /** The key hashed last, and its hash. */
  #hashedKey: string | undefined;
  #hash = FREE;

  get(key: string): D | undefined {
    const place = this.#placeOf(key, this.#hashOf(key));
    return this.#hashes[place] === FREE ? undefined : this.#documents.get(this.#numberAt(place));
  }

  has(key: string): boolean {
    return this.#hashes[this.#placeOf(key, this.#hashOf(key))] !== FREE;
  }

  set(key: string, document: D): void {
    const hash = this.#hashOf(key);
    const place = this.#placeOf(key, hash);
    if (this.#hashes[place] === FREE) {
      this.#keys.set(this.#nextNumber, key);
      this.#put(place, hash, this.#nextNumber++);
      this.#size++;
    }
    this.#documents.set(this.#numberAt(place), document);
    if (this.#size * 2 > this.#hashes.length) this.#grow();
  }

  /** Whether there was one. */
  delete(key: string): boolean {
    const place = this.#placeOf(key, this.#hashOf(key));
    if (this.#hashes[place] === FREE) return false;
    this.#keys.delete(this.#numberAt(place));
    this.#documents.delete(this.#numberAt(place));
    this.#put(this.#closeGap(place), FREE, 0);
    this.#size--;
    return true;
  }

  clear(): void {
    this.#keys.clear();
    this.#documents.clear();
    this.#resize(FIRST_PLACES);
    this.#size = 0;
  }

  /** In no certain order. */
  *keys(): Generator<string> {
    for (const number of this.#keys.numbers()) {
      const key = this.#keys.get(number);
      if (key !== undefined) yield key;
    }
  }

  /** FNV-1a over the UTF-16 code units; a key that is looked for is often set next. */
  #hashOf(key: string): number {
    if (key === this.#hashedKey) return this.#hash;
    let hash = this.#seed;
    for (let at = 0; at < key.length; at++) {
      hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
    }
    hash ^= hash >>> 15;
    this.#hashedKey = key;
    this.#hash = hash === FREE ? 1 : hash;
    return this.#hash;
  }

  /** Where the key is or, where it is not, would be. */
  #placeOf(key: string, hash: number): number {
    const last = this.#hashes.length - 1;
    let place = hash & last;
    // Ends at a free place at the latest, of which there always are.
    while (this.#hashes[place] !== FREE) {
      if (this.#hashes[place] === hash && this.#keyAt(place) === key) return place;
      place = (place + 1) & last;
    }
    return place;
  }

  #keyAt(place: number): string | undefined {
    return this.#keys.get(this.#numberAt(place));
  }

  #numberAt(place: number): number {
    return this.#numbers[place] ?? 0;
  }

  /**
   * Moves up what lies behind `place` and may lie there, so that whoever looks for it finds no free
   * place before. The place that is free in the end.
   */
  #closeGap(place: number): number {
    const last = this.#hashes.length - 1;
    let gap = place;
    let next = (place + 1) & last;
    let hash = this.#hashes[next] ?? FREE;
    while (hash !== FREE) {
      const isFarFromHome = ((next - hash) & last) >= ((next - gap) & last);
      if (isFarFromHome) {
        this.#put(gap, hash, this.#numberAt(next));
        gap = next;
      }
      next = (next + 1) & last;
      hash = this.#hashes[next] ?? FREE;
    }
    return gap;
  }

  #put(place: number, hash: number, number: number): void {
    this.#hashes[place] = hash;
    this.#numbers[place] = number;
  }

  #grow(): void {
    const [hashes, numbers] = [this.#hashes, this.#numbers];
    this.#resize(hashes.length * 2);
    for (const [at, hash] of hashes.entries()) {
      if (hash !== FREE) this.#put(this.#freePlaceFor(hash), hash, numbers[at] ?? 0);
    }
  }

  #freePlaceFor(hash: number): number {
    const last = this.#hashes.length - 1;
    let place = hash & last;
    // Ends, as at least half of the places are free.
    while (this.#hashes[place] !== FREE) place = (place + 1) & last;
    return place;
  }

  #resize(places: number): void {
    this.#hashes = new Int32Array(places);
    this.#numbers = new Float64Array(places);
  }
}
