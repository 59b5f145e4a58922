/**
 * Values that come and go, each at a place whose number whoever put it there keeps. A place is used
 * again once it is free, so there are as many as there were values at a time.
 *
 * It is for a `Set` that is added to and deleted from all the time, see {@link ChurningMap}.
 */
export class Places<Value extends NonNullable<unknown>> {
  readonly #values: (Value | undefined)[] = [];
  readonly #free: number[] = [];

  get size(): number {
    return this.#values.length - this.#free.length;
  }

  /** @returns the place of `value`, to be given back with {@link remove} once */
  add(value: Value): number {
    const place = this.#free.pop();
    if (place === undefined) return this.#values.push(value) - 1;
    this.#values[place] = value;
    return place;
  }

  get(place: number): Value | undefined {
    return this.#values[place];
  }

  /** Puts `value` in place of the one that is there. */
  replace(place: number, value: Value): void {
    if (this.#values[place] !== undefined) this.#values[place] = value;
  }

  /** Frees the place. @returns what was there; undefined when it is free already */
  remove(place: number): Value | undefined {
    const value = this.#values[place];
    if (value === undefined) return undefined;
    this.#values[place] = undefined;
    this.#free.push(place);
    return value;
  }

  /** Values and their places, in no certain order. They may be removed meanwhile. */
  *[Symbol.iterator](): Generator<[place: number, value: Value], undefined> {
    for (const [place, value] of this.#values.entries()) {
      if (value !== undefined) yield [place, value];
    }
  }
}
