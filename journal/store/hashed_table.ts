/** Places of an empty table; a power of two, as all that follow. */
const FIRST_PLACES = 1024;

/** The hash that says that a place is free. */
const FREE = 0;

/**
 * Documents by key as a `Map` holds them, for a hundred thousand keys that come and go. A `Map` of so
 * many keeps those that went until it is copied as a whole, and costs half as much again.
 *
 * A document lies at the place that the hash of its key names or, where that is taken, at the first
 * free one behind it. At least half of the places are free, so that none lies far from its own.
 */
export class HashedTable<D> {
  /** Drawn for each table: nobody can tell which keys would all lie at one place. */
  readonly #seed = crypto.getRandomValues(new Int32Array(1))[0] ?? 0;
  #hashes = new Int32Array(FIRST_PLACES);
  #keys: (string | undefined)[] = empty(FIRST_PLACES);
  #documents: (D | undefined)[] = empty(FIRST_PLACES);
  #size = 0;

  get(key: string): D | undefined {
    return this.#documents[this.#placeOf(key, this.#hashOf(key))];
  }

  has(key: string): boolean {
    return this.#keys[this.#placeOf(key, this.#hashOf(key))] !== undefined;
  }

  set(key: string, document: D): void {
    const hash = this.#hashOf(key);
    const place = this.#placeOf(key, hash);
    if (this.#hashes[place] === FREE) this.#size++;
    this.#put(place, hash, key, document);
    if (this.#size * 2 > this.#hashes.length) this.#grow();
  }

  /** Whether there was one. */
  delete(key: string): boolean {
    const place = this.#placeOf(key, this.#hashOf(key));
    if (this.#hashes[place] === FREE) return false;
    this.#put(this.#closeGap(place), FREE, undefined, undefined);
    this.#size--;
    return true;
  }

  clear(): void {
    this.#resize(FIRST_PLACES);
  }

  /** In no certain order. */
  *keys(): Generator<string> {
    for (const key of this.#keys) {
      if (key !== undefined) yield key;
    }
  }

  /** FNV-1a over the UTF-16 code units. */
  #hashOf(key: string): number {
    let hash = this.#seed;
    for (let at = 0; at < key.length; at++) {
      hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
    }
    hash ^= hash >>> 15;
    return hash === FREE ? 1 : hash;
  }

  /** Where the key is or, where it is not, would be. */
  #placeOf(key: string, hash: number): number {
    const last = this.#hashes.length - 1;
    let place = hash & last;
    // Ends at a free place at the latest, of which there always are.
    while (this.#hashes[place] !== FREE) {
      if (this.#hashes[place] === hash && this.#keys[place] === key) return place;
      place = (place + 1) & last;
    }
    return place;
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
        this.#put(gap, hash, this.#keys[next], this.#documents[next]);
        gap = next;
      }
      next = (next + 1) & last;
      hash = this.#hashes[next] ?? FREE;
    }
    return gap;
  }

  #put(place: number, hash: number, key: string | undefined, document: D | undefined): void {
    this.#hashes[place] = hash;
    this.#keys[place] = key;
    this.#documents[place] = document;
  }

  #grow(): void {
    const [hashes, keys, documents, size] = [this.#hashes, this.#keys, this.#documents, this.#size];
    this.#resize(hashes.length * 2);
    this.#size = size;
    for (const [at, key] of keys.entries()) {
      const hash = hashes[at];
      if (key === undefined || hash === undefined) continue;
      this.#put(this.#placeOf(key, hash), hash, key, documents[at]);
    }
  }

  #resize(places: number): void {
    this.#hashes = new Int32Array(places);
    this.#keys = empty(places);
    this.#documents = empty(places);
    this.#size = 0;
  }
}

function empty(places: number): undefined[] {
  return Array(places).fill(undefined);
}
