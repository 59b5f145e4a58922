import type { Entry, EntryId, Index, Term } from "../raft/mod.ts";

/** Terms of the entries in the log of one member, durable or on their way there. */
export class LogTerms {
  #start: EntryId;
  #terms: Term[];

  constructor(start: EntryId, terms: readonly Term[]) {
    this.#start = start;
    this.#terms = [...terms];
  }

  get startIndex(): Index {
    return this.#start.index;
  }

  termAt(index: Index): Term | undefined {
    return index === this.#start.index
      ? this.#start.term
      : this.#terms[index - this.#start.index - 1];
  }

  write(entries: readonly Entry[]): void {
    const [first] = entries;
    if (first === undefined) return;
    this.#terms.length = first.index - this.#start.index - 1;
    for (const { term } of entries) this.#terms.push(term);
  }

  restart({ index, term }: EntryId): void {
    this.#start = { index, term };
    this.#terms = [];
  }

  compactTo(index: Index): void {
    const term = this.termAt(index);
    if (term === undefined) return;
    this.#terms = this.#terms.slice(index - this.#start.index);
    this.#start = { index, term };
  }
}
