import { canonicalJson as canonicalContractJson } from "../../contracts/mod.ts";

/** Any value of pact's documents: JSON whose counters stay below 2^53. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };

/**
 * Writes `value` as canonical JSON: keys sorted by code unit, no insignificant space, `undefined`
 * members left out. Two equal documents always give the same bytes, so hashes and comparisons of
 * replicated state can rely on it (JRN-17, OVL-2).
 *
 * @throws {JsonError} for NaN, infinities and values nested too deeply.
 *
 * @example
 * ```ts
 * import { canonicalJson } from "./canonical.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(canonicalJson({ b: 1, a: [true, null] }), '{"a":[true,null],"b":1}');
 * ```
 */
export function canonicalJson(value: JsonValue): string {
  return canonicalContractJson(value);
}

/** The canonical form of `value` as UTF-8 bytes. */
export function canonicalBytes(value: JsonValue): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(canonicalJson(value));
}
