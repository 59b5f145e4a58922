import { Places } from "./places.ts";

/**
 * A map for what comes and goes all the time, such as the calls under way, in the order in which it
 * came.
 *
 * A `Map` that is added to and deleted from moves to a new table every so many times, and V8 has the
 * old table point to the new one for the sake of iterators. Once one of them was promoted to the old
 * generation, it keeps the next alive until the next full collection, that one its next, and so on:
 * all that stood in a table when it was left is copied twice and promoted, long after it was deleted.
 * Of a map with as many values as are in it at a time that is nearly every value, with everything it
 * leads to. Here the tables lead to nothing but keys and numbers; values lie beside them.
 */
export class ChurningMap<Key, Value extends NonNullable<unknown>> {
  readonly #placeOf = new Map<Key, number>();
  readonly #places = new Places<Value>();

  get size(): number {
    return this.#placeOf.size;
  }

  get(key: Key): Value | undefined {
    const place = this.#placeOf.get(key);
    return place === undefined ? undefined : this.#places.get(place);
  }

  set(key: Key, value: Value): void {
    const place = this.#placeOf.get(key);
    if (place === undefined) this.#placeOf.set(key, this.#places.add(value));
    else this.#places.replace(place, value);
  }

  /** @returns what was deleted; undefined when there was nothing */
  delete(key: Key): Value | undefined {
    const place = this.#placeOf.get(key);
    if (place === undefined) return undefined;
    this.#placeOf.delete(key);
    return this.#places.remove(place);
  }

  keys(): MapIterator<Key> {
    return this.#placeOf.keys();
  }

  *values(): Generator<Value, undefined> {
    for (const [, value] of this) yield value;
  }

  *[Symbol.iterator](): Generator<[Key, Value], undefined> {
    for (const [key, place] of this.#placeOf) {
      const value = this.#places.get(place);
      if (value !== undefined) yield [key, value];
    }
  }
}
