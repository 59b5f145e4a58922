import type { ContextKey, ContextValues } from "@connectrpc/connect";

/**
 * The context values of one call. The library's own keep each value as a property of an object,
 * whose shape then changes with every call.
 */
export class CallValues implements ContextValues {
  readonly #values = new Map<symbol, unknown>();

  get<T>(key: ContextKey<T>): T {
    // Only `set` writes, and it takes a value of the key's own type.
    return this.#values.has(key.id) ? this.#values.get(key.id) as T : key.defaultValue;
  }

  set<T>(key: ContextKey<T>, value: T): this {
    this.#values.set(key.id, value);
    return this;
  }

  delete(key: ContextKey<unknown>): this {
    this.#values.delete(key.id);
    return this;
  }
}
