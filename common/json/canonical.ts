/** Any value that JSON can carry without loss. */
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
 * @throws {TypeError} for NaN, infinities, integers beyond 2^53 and anything that is not JSON.
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
  switch (typeof value) {
    case "string":
    case "boolean":
      return JSON.stringify(value);
    case "number":
      return canonicalNumber(value);
    case "object":
      return canonicalComposite(value);
    default:
      throw new TypeError(`not a JSON value: ${typeof value}`);
  }
}

/** The canonical form of `value` as UTF-8 bytes. */
export function canonicalBytes(value: JsonValue): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(canonicalJson(value));
}

function canonicalNumber(value: number): string {
  if (!Number.isFinite(value)) throw new TypeError(`not a JSON number: ${value}`);
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw new TypeError(`integer beyond 2^53 loses digits: ${value}`);
  }
  return JSON.stringify(value);
}

function canonicalComposite(value: Exclude<JsonValue, string | boolean | number>): string {
  if (value === null) return "null";
  if (isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const members: string[] = [];
  for (const key of Object.keys(value).sort()) {
    const member = value[key];
    if (member !== undefined) members.push(`${JSON.stringify(key)}:${canonicalJson(member)}`);
  }
  return `{${members.join(",")}}`;
}

function isArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
