import type { ContextKey, ContextValues } from "@connectrpc/connect";

/**
 * The context values of one call: a handful, so they stand in a list. The library's own keep each
 * value as a property of an object, whose shape then changes with every call.
 */
export class CallValues implements ContextValues {
  readonly #ids: symbol[] = [];
  readonly #values: unknown[] = [];

  get<T>(key: ContextKey<T>): T {
    const at = this.#ids.indexOf(key.id);
    // Only `set` writes, and it takes a value of the key's own type.
    return at === -1 ? key.defaultValue : this.#values[at] as T;
  }

  set<T>(key: ContextKey<T>, value: T): this {
    const at = this.#ids.indexOf(key.id);
    const place = at === -1 ? this.#ids.push(key.id) - 1 : at;
    this.#values[place] = value;
    return this;
  }

  delete(key: ContextKey<unknown>): this {
    const at = this.#ids.indexOf(key.id);
    if (at === -1) return this;
    this.#ids.splice(at, 1);
    this.#values.splice(at, 1);
    return this;
  }
}
