import type { Index } from "../entry.ts";
import { assertInvariant } from "../errors.ts";

/** One append message that a follower has not acknowledged. */
interface Slot {
  /** Its last entry. */
  readonly index: Index;
  readonly bytes: number;
}

/**
 * The append messages on their way to one follower: at most so many, and full as soon as their
 * payload reaches so many bytes.
 */
export class Inflights {
  readonly #maxCount: number;
  readonly #maxBytes: number;
  /** Oldest first; those before `#head` are acknowledged and go when half of the list is free. */
  #slots: Slot[] = [];
  #head = 0;
  #bytes = 0;

  constructor(maxCount: number, maxBytes: number) {
    this.#maxCount = maxCount;
    this.#maxBytes = maxBytes;
  }

  get count(): number {
    return this.#slots.length - this.#head;
  }

  get isFull(): boolean {
    return this.count >= this.#maxCount || this.#bytes >= this.#maxBytes;
  }

  /** A message is sent. Only when not full. */
  add(index: Index, bytes: number): void {
    assertInvariant(!this.isFull, "progress", () => `message ${index} over the in-flight limit`);
    this.#slots.push({ index, bytes });
    this.#bytes += bytes;
  }

  /** Everything up to `index` has arrived. */
  acknowledge(index: Index): void {
    for (let slot = this.#slots[this.#head]; slot && slot.index <= index;) {
      this.#bytes -= slot.bytes;
      this.#head++;
      slot = this.#slots[this.#head];
    }
    if (this.#head * 2 < this.#slots.length) return;
    this.#slots = this.#slots.slice(this.#head);
    this.#head = 0;
  }

  /** Nothing is on its way any more. */
  clear(): void {
    this.#slots = [];
    this.#head = 0;
    this.#bytes = 0;
  }
}
