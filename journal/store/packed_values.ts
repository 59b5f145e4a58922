import { type Packable, PackedPage, PAGE_PLACES } from "./packed_page.ts";

/** Most pages that are open at a time: where values come, where they go, and where others are read. */
const MAX_OPEN = 4;

/**
 * Values by whole numbers from 0 on, most of which come one after the other and go in the same order.
 * They lie in pages of consecutive numbers, nearly all of which are closed; a page goes with its last
 * value. To the garbage collector, which looks at every object each time it frees memory while clients
 * wait, a hundred thousand values are a few thousand objects.
 *
 * What is read or set out of order opens a page, some tens of microseconds. What is read equals what
 * was set, but for members that are undefined, which JSON leaves out.
 */
export class PackedValues<V extends Packable> {
  readonly #pages = new Map<number, PackedPage<V>>();
  #open: PackedPage<V>[] = [];
  /** Counts uses of pages. */
  #clock = 0;

  /** Pages in memory. */
  get pageCount(): number {
    return this.#pages.size;
  }

  has(number: number): boolean {
    return this.#pageOf(number)?.has(number % PAGE_PLACES) ?? false;
  }

  get(number: number): V | undefined {
    const page = this.#pageOf(number);
    const place = number % PAGE_PLACES;
    // A page need not be opened for what it does not have.
    if (page === undefined || !page.has(place)) return undefined;
    this.#use(page);
    return page.get(place);
  }

  set(number: number, value: V): void {
    let page = this.#pageOf(number);
    if (page === undefined) {
      page = new PackedPage();
      this.#pages.set(pageNumber(number), page);
    }
    this.#use(page);
    page.set(number % PAGE_PLACES, value);
  }

  /** Whether there was one. */
  delete(number: number): boolean {
    const page = this.#pageOf(number);
    if (page === undefined || !page.delete(number % PAGE_PLACES)) return false;
    if (page.count === 0) {
      this.#pages.delete(pageNumber(number));
      this.#open = this.#open.filter((open) => open !== page);
    }
    return true;
  }

  clear(): void {
    this.#pages.clear();
    this.#open = [];
  }

  /** Numbers in use, in no certain order. */
  *numbers(): Generator<number> {
    for (const [number, page] of this.#pages) {
      for (const place of page.places()) yield number * PAGE_PLACES + place;
    }
  }

  #pageOf(number: number): PackedPage<V> | undefined {
    return this.#pages.get(pageNumber(number));
  }

  /** Notes that the page is used, which opens it. Closes the one idle for longest if it must. */
  #use(page: PackedPage<V>): void {
    page.usedAt = this.#clock++;
    if (page.isOpen) return;
    if (this.#open.length === MAX_OPEN) {
      const idle = this.#open.reduce((one, other) => one.usedAt < other.usedAt ? one : other);
      idle.close();
      this.#open = this.#open.filter((open) => open !== idle);
    }
    this.#open.push(page);
  }
}

function pageNumber(number: number): number {
  return Math.floor(number / PAGE_PLACES);
}
