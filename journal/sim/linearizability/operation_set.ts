const WORD_BITS = 32;
const FULL = 0xffff_ffff;

/** A set of operations by number. Searches visit sets that are all but a run from 0 upwards. */
export class OperationSet {
  readonly #words: Uint32Array;

  constructor(size: number) {
    this.#words = new Uint32Array(Math.ceil(size / WORD_BITS));
  }

  toggle(operation: number): void {
    const at = Math.floor(operation / WORD_BITS);
    this.#words[at] = (this.#words[at] ?? 0) ^ (1 << (operation % WORD_BITS));
  }

  /** Equal for equal sets, and short where all but few of the first are in it. */
  key(): string {
    const words = this.#words;
    let first = 0;
    while (words[first] === FULL) first++;
    let end = words.length;
    while (end > first && words[end - 1] === 0) end--;
    return `${first}:${words.subarray(first, end).join()}`;
  }
}
