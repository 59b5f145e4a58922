import type { ContextKey, ContextValues } from "@connectrpc/connect";

/**
 * One value, and the one that was kept before it. A class, because V8 may come to put the objects of
 * a literal into the old generation from their start on, and all that a call holds would follow.
 */
class Kept {
  constructor(readonly id: symbol, public value: unknown, public next: Kept | undefined) {}
}

/**
 * The context values of one call: a handful, so one leads to the next. The library's own keep each
 * value as a property of an object, whose shape then changes with every call.
 */
export class CallValues implements ContextValues {
  #newest: Kept | undefined;

  get<T>(key: ContextKey<T>): T {
    const kept = this.#find(key.id);
    // Only `set` writes, and it takes a value of the key's own type.
    return kept === undefined ? key.defaultValue : kept.value as T;
  }

  set<T>(key: ContextKey<T>, value: T): this {
    const kept = this.#find(key.id);
    if (kept === undefined) this.#newest = new Kept(key.id, value, this.#newest);
    else kept.value = value;
    return this;
  }

  delete(key: ContextKey<unknown>): this {
    const kept = this.#find(key.id);
    if (kept === this.#newest) this.#newest = kept?.next;
    for (let at = this.#newest; at !== undefined; at = at.next) {
      if (at.next === kept) at.next = kept?.next;
    }
    return this;
  }

  #find(id: symbol): Kept | undefined {
    let kept = this.#newest;
    while (kept !== undefined && kept.id !== id) kept = kept.next;
    return kept;
  }
}
