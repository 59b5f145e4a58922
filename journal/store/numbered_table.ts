import { numberKey } from "../state/mod.ts";
import { PackedValues } from "./packed_values.ts";

/**
 * Documents whose keys are numbers that come one after the other. To its callers it is what a `Map`
 * by key is; to the garbage collector it is next to nothing.
 */
export class NumberedTable<D extends object> {
  readonly #documents = new PackedValues<D>();

  get(key: string): D | undefined {
    return this.#documents.get(Number(key));
  }

  has(key: string): boolean {
    return this.#documents.has(Number(key));
  }

  set(key: string, document: D): void {
    this.#documents.set(Number(key), document);
  }

  /** Whether there was one. */
  delete(key: string): boolean {
    return this.#documents.delete(Number(key));
  }

  clear(): void {
    this.#documents.clear();
  }

  /** In no certain order. */
  *keys(): Generator<string> {
    for (const number of this.#documents.numbers()) yield numberKey(number);
  }
}
