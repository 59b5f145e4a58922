import { type CollectionName, type Doc, type DocumentChanges, emptyTables } from "../state/mod.ts";
import { HashedTable } from "./hashed_table.ts";
import { NumberedTable } from "./numbered_table.ts";

/** What a collection lies in. */
interface Table<D> {
  get(key: string): D | undefined;
  has(key: string): boolean;
  set(key: string, document: D): unknown;
  delete(key: string): boolean;
  clear(): void;
  keys(): Iterable<string>;
}

type Tables = { readonly [C in CollectionName]: Table<Doc<C>> };

/**
 * Documents in memory. Keys are kept sorted for the collections that are listed, from the first
 * time they are; point reads and writes of the others pay nothing for it.
 */
export class DocumentMirror {
  readonly #tables: Tables = {
    ...emptyTables(),
    request_ids: new HashedTable(),
    request_order: new NumberedTable(),
  };
  readonly #sortedKeys = new Map<CollectionName, string[]>();

  get<C extends CollectionName>(collection: C, key: string): Doc<C> | undefined {
    return this.#tables[collection].get(key);
  }

  list<C extends CollectionName>(collection: C, prefix: string): Iterable<[string, Doc<C>]> {
    const keys = this.#keysOf(collection);
    return keys.length === 0 ? [] : this.#listed(collection, keys, prefix);
  }

  *#listed<C extends CollectionName>(
    collection: C,
    keys: readonly string[],
    prefix: string,
  ): Generator<[string, Doc<C>]> {
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
