import { numberKey } from "../state/mod.ts";

/** Documents side by side in one array; removing the oldest ones frees it as a whole. */
const PAGE_NUMBERS = 256;

/** Some of the documents, by the rest of their number. */
interface Page<D> {
  readonly documents: (D | undefined)[];
  count: number;
}

/**
 * Documents whose keys are numbers that come one after the other. It is to its callers what a `Map`
 * by key is, at a fifth of the cost: of a hundred thousand keys that come and go none is hashed.
 */
export class NumberedTable<D> {
  readonly #pages = new Map<number, Page<D>>();

  get(key: string): D | undefined {
    const number = Number(key);
    return this.#pages.get(pageOf(number))?.documents[number % PAGE_NUMBERS];
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  set(key: string, document: D): void {
    const number = Number(key);
    let page = this.#pages.get(pageOf(number));
    if (page === undefined) {
      page = { documents: Array(PAGE_NUMBERS).fill(undefined), count: 0 };
      this.#pages.set(pageOf(number), page);
    }
    const place = number % PAGE_NUMBERS;
    if (page.documents[place] === undefined) page.count++;
    page.documents[place] = document;
  }

  /** Whether there was one. */
  delete(key: string): boolean {
    const number = Number(key);
    const page = this.#pages.get(pageOf(number));
    const place = number % PAGE_NUMBERS;
    if (page?.documents[place] === undefined) return false;
    page.documents[place] = undefined;
    page.count--;
    if (page.count === 0) this.#pages.delete(pageOf(number));
    return true;
  }

  clear(): void {
    this.#pages.clear();
  }

  /** In no certain order. */
  *keys(): Generator<string> {
    for (const [page, { documents }] of this.#pages) {
      for (const [place, document] of documents.entries()) {
        if (document !== undefined) yield numberKey(page * PAGE_NUMBERS + place);
      }
    }
  }
}

function pageOf(number: number): number {
  return Math.floor(number / PAGE_NUMBERS);
}
