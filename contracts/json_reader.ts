/** Typed access to the members of a decoded JSON object, with the place in every error. */
import { JsonError, type JsonObject, type JsonValue, U64_MAX } from "./json.ts";

/**
 * Reads one JSON object member by member (NC-3). Methods ending in `OrNull` take `null` and a
 * missing key as absent; the others refuse both.
 */
export class JsonReader {
  readonly #object: JsonObject;
  readonly #at: string;

  /** @throws {JsonError} when `value` is not a JSON object */
  constructor(value: JsonValue | undefined, at: string) {
    if (!isObject(value)) throw new JsonError(at, "expected an object");
    this.#object = value;
    this.#at = at;
  }

  text(key: string): string {
    return this.#required(key, this.textOrNull(key), "a text");
  }

  textOrNull(key: string): string | null {
    const value = this.value(key);
    if (value === null || typeof value === "string") return value;
    throw this.#wrong(key, "a text");
  }

  flag(key: string): boolean {
    return this.#required(key, this.flagOrNull(key), "true or false");
  }

  flagOrNull(key: string): boolean | null {
    const value = this.value(key);
    if (value === null || typeof value === "boolean") return value;
    throw this.#wrong(key, "true or false");
  }

  /** A whole number from 0 to `max`, which is within the exact range of `number`. */
  whole(key: string, max: number = Number.MAX_SAFE_INTEGER): number {
    return this.#required(key, this.wholeOrNull(key, max), `a whole number up to ${max}`);
  }

  wholeOrNull(key: string, max: number = Number.MAX_SAFE_INTEGER): number | null {
    const value = this.value(key);
    if (value === null) return null;
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value <= max) {
      return value;
    }
    throw this.#wrong(key, `a whole number up to ${max}`);
  }

  /** An unsigned 64-bit counter. */
  counter(key: string): bigint {
    return this.#required(key, this.counterOrNull(key), "an unsigned 64-bit number");
  }

  counterOrNull(key: string): bigint | null {
    const value = this.value(key);
    if (value === null) return null;
    const exact = typeof value === "number" && Number.isSafeInteger(value) ? BigInt(value) : value;
    if (typeof exact === "bigint" && exact >= 0n && exact <= U64_MAX) return exact;
    throw this.#wrong(key, "an unsigned 64-bit number");
  }

  /** One of `variants`, e.g. the PascalCase names of an enum. */
  variant<Name extends string>(key: string, variants: readonly Name[]): Name {
    const value = this.value(key);
    const found = variants.find((variant) => variant === value);
    if (found === undefined) throw this.#wrong(key, `one of ${variants.join(", ")}`);
    return found;
  }

  /** @throws {JsonError} when it is no list, or holds more than `maxItems` */
  list(key: string, maxItems: number): readonly JsonValue[] {
    const value = this.value(key);
    if (!Array.isArray(value)) throw this.#wrong(key, "a list");
    if (value.length > maxItems) throw this.#wrong(key, `a list of at most ${maxItems}`);
    return value;
  }

  /** The same list with every item checked to be one of `variants`. */
  variants<Name extends string>(key: string, variants: readonly Name[]): readonly Name[] {
    return this.list(key, 1024).map((item) => {
      const found = variants.find((variant) => variant === item);
      if (found === undefined) throw this.#wrong(key, `a list of ${variants.join(", ")}`);
      return found;
    });
  }

  /** The same list with every item checked to be a text. */
  texts(key: string, maxItems: number): readonly string[] {
    return this.list(key, maxItems).map((item) => {
      if (typeof item !== "string") throw this.#wrong(key, "a list of texts");
      return item;
    });
  }

  object(key: string): JsonReader {
    return new JsonReader(this.value(key), `${this.#at}.${key}`);
  }

  /** The member as it is; `null` when the key is missing. */
  value(key: string): JsonValue {
    return Object.hasOwn(this.#object, key) ? this.#object[key] ?? null : null;
  }

  #required<T>(key: string, value: T | null, expected: string): T {
    if (value === null) throw this.#wrong(key, expected);
    return value;
  }

  #wrong(key: string, expected: string): JsonError {
    return new JsonError(`${this.#at}.${key}`, `expected ${expected}`);
  }
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
