import type { ProtoSlices } from "./proto_slices.ts";

/** Each thing of a list is made once, by whoever asks for it first: it is known by its identity. */
export class Kept<T> {
  readonly #made: (T | undefined)[] = [];

  constructor(private readonly make: (index: number) => T) {}

  at(index: number): T {
    return this.#made[index] ??= this.make(index);
  }

  list(length: number): readonly T[] {
    return Array.from({ length }, (_, index) => this.at(index));
  }
}

/** @throws {Error} for an entry that is not there: the schema and what was generated of it differ */
export function entryAt(entries: readonly ProtoSlices[], index: number): ProtoSlices {
  const entry = entries[index];
  if (entry === undefined) throw new Error(`the schema has no entry ${index}`);
  return entry;
}
