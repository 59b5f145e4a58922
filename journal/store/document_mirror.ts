import {
  type CollectionName,
  type Doc,
  type DocumentChanges,
  type DocumentTables,
  emptyTables,
} from "../state/mod.ts";

/**
 * Documents in memory. Keys are kept sorted for the collections that are listed, from the first
 * time they are; point reads and writes of the others pay nothing for it.
 */
export class DocumentMirror {
  readonly #tables: DocumentTables = emptyTables();
  readonly #sortedKeys = new Map<CollectionName, string[]>();

  get<C extends CollectionName>(collection: C, key: string): Doc<C> | undefined {
    return this.#tables[collection].get(key);
  }

  *list<C extends CollectionName>(collection: C, prefix: string): Generator<[string, Doc<C>]> {
    const keys = this.#keysOf(collection);
    for (let at = lowerBound(keys, prefix); at < keys.length; at++) {
      const key = keys[at];
      if (key === undefined || !key.startsWith(prefix)) return;
      const document = this.#tables[collection].get(key);
      if (document !== undefined) yield [key, document];
    }
  }

  /** Takes over one document; undefined deletes it. */
  set<C extends CollectionName>(collection: C, key: string, document: Doc<C> | undefined): void {
    const table = this.#tables[collection];
    const keys = this.#sortedKeys.get(collection);
    if (document === undefined) {
      if (table.delete(key)) keys?.splice(lowerBound(keys, key), 1);
      return;
    }
    if (keys !== undefined && !table.has(key)) keys.splice(lowerBound(keys, key), 0, key);
    table.set(key, document);
  }

  /** Takes over all of `changes` for one collection. */
  absorb<C extends CollectionName>(collection: C, changes: DocumentChanges[C]): void {
    if (changes.size === 0) return;
    for (const [key, document] of changes) this.set(collection, key, document);
  }

  /** Forgets everything. */
  clear(): void {
    for (const table of Object.values(this.#tables)) table.clear();
    this.#sortedKeys.clear();
  }

  #keysOf(collection: CollectionName): readonly string[] {
    const known = this.#sortedKeys.get(collection);
    if (known !== undefined) return known;
    const keys = [...this.#tables[collection].keys()].sort();
    this.#sortedKeys.set(collection, keys);
    return keys;
  }
}

/** First place in sorted `keys` that is not before `key`. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] ?? "") < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
