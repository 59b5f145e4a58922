import type { JsonValue } from "../../common/json/mod.ts";

/**
 * A plain value as JSON: the same structure, members that are undefined left out. For values whose
 * types say less than what they are, such as documents read by a schema.
 *
 * @throws {TypeError} for what JSON cannot carry.
 */
export function asJson(value: unknown): JsonValue {
  switch (typeof value) {
    case "string":
    case "number":
    case "boolean":
      return value;
    case "object":
      if (value === null) return null;
      return Array.isArray(value) ? value.map(asJson) : asJsonObject(value);
    default:
      throw new TypeError(`not a JSON value: ${typeof value}`);
  }
}

/** A plain object as JSON; see {@link asJson}. */
export function asJsonObject(value: object): { [key: string]: JsonValue } {
  const result: { [key: string]: JsonValue } = {};
  for (const [key, member] of Object.entries(value)) {
    if (member !== undefined) result[key] = asJson(member);
  }
  return result;
}

/** The JSON in UTF-8 bytes. @throws {SyntaxError} when they hold none. */
export function jsonFromBytes(bytes: Uint8Array): JsonValue {
  return asJson(JSON.parse(new TextDecoder().decode(bytes)));
}
