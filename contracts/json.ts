/**
 * JSON with exact 64-bit counters (NC-4), and the reader every contract type is decoded with
 * (NC-3): keys in snake_case, `null` and a missing key alike, unknown keys ignored.
 */
import { ContractError } from "./error.ts";

/** Anything that has a JSON form here; `bigint` is written as a plain decimal number. */
export type JsonValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };

/** A JSON object. */
export type JsonObject = { readonly [key: string]: JsonValue | undefined };

/** Deeper nesting than this is refused in both directions. */
export const MAX_JSON_DEPTH = 64;

/** Largest value of an unsigned 64-bit counter. */
export const U64_MAX = 2n ** 64n - 1n;

export type JsonFault = {
  readonly kind: "Malformed";
  readonly at: string;
  readonly reason: string;
};

/** A text or value that is not the JSON form of the contract type it was read as. */
export class JsonError extends ContractError<JsonFault> {
  constructor(at: string, reason: string) {
    super("JsonError", `malformed JSON at ${at}: ${reason}`, { kind: "Malformed", at, reason });
  }
}

/**
 * Writes JSON without losing a digit of a `bigint`.
 *
 * ```ts
 * import { decodeJson, encodeJson } from "./json.ts";
 *
 * const text = encodeJson({ memory_current: 9007199254740993n });
 * if (text !== '{"memory_current":9007199254740993}') throw new Error(text);
 * const back = decodeJson(text) as { memory_current: bigint };
 * if (back.memory_current !== 9007199254740993n) throw new Error("digits were lost");
 * ```
 *
 * @throws {JsonError} for a number that is not finite, or nesting beyond {@linkcode MAX_JSON_DEPTH}
 */
export function encodeJson(value: JsonValue): string {
  return write(value, false, 0);
}

/**
 * Like {@linkcode encodeJson} with the keys of every object sorted: one value, one text. A value
 * whose keys stand in that order already, as those of documents that are written often should, is
 * left to the runtime's own writer.
 *
 * @throws {JsonError} as {@linkcode encodeJson} does
 */
export function canonicalJson(value: JsonValue): string {
  return isInOrder(value, 0) ? JSON.stringify(value) : write(value, true, 0);
}

/**
 * Reads JSON. Whole numbers outside the range in which `number` is exact come back as `bigint`.
 *
 * @throws {JsonError} for text that is not JSON, or nests deeper than {@linkcode MAX_JSON_DEPTH}
 */
export function decodeJson(text: string): JsonValue {
  let value: JsonValue;
  try {
    value = JSON.parse(text, (_key, parsed: unknown, ...context: unknown[]) => {
      if (typeof parsed !== "number" || Number.isSafeInteger(parsed)) return parsed;
      const source = sourceOf(context[0]);
      return source !== null && /^-?[0-9]+$/.test(source) ? BigInt(source) : parsed;
    });
  } catch (cause) {
    throw new JsonError("the start", cause instanceof Error ? cause.message : "not JSON");
  }
  assertDepth(value, 0);
  return value;
}

/** Whether `JSON.stringify` writes the canonical text of `value`. */
function isInOrder(value: JsonValue, depth: number): boolean {
  if (typeof value === "string" || typeof value === "boolean" || value === null) return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value === "bigint" || depth > MAX_JSON_DEPTH) return false;
  if (isList(value)) return value.every((item) => isInOrder(item, depth + 1));
  let previous = "";
  for (const key in value) {
    const item = value[key];
    if (key < previous || (item !== undefined && !isInOrder(item, depth + 1))) return false;
    previous = key;
  }
  return true;
}

function write(value: JsonValue, sorted: boolean, depth: number): string {
  if (depth > MAX_JSON_DEPTH) throw new JsonError("the value", "nested too deeply");
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new JsonError("the value", `${value} has no JSON form`);
  }
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  return isList(value) ? writeList(value, sorted, depth) : writeObject(value, sorted, depth);
}

function writeList(list: readonly JsonValue[], sorted: boolean, depth: number): string {
  let text = "";
  for (const item of list) text += `${text === "" ? "" : ","}${write(item, sorted, depth + 1)}`;
  return `[${text}]`;
}

function writeObject(object: JsonObject, sorted: boolean, depth: number): string {
  const keys = Object.keys(object);
  if (sorted) keys.sort();
  let text = "";
  for (const key of keys) {
    const item = object[key];
    // Like JSON.stringify, a key whose value is undefined is left out.
    if (item === undefined) continue;
    const name = PLAIN_KEY.test(key) ? `"${key}"` : JSON.stringify(key);
    text += `${text === "" ? "" : ","}${name}:${write(item, sorted, depth + 1)}`;
  }
  return `{${text}}`;
}

/** A key that needs no escaping, as nearly all are. */
const PLAIN_KEY = /^[A-Za-z0-9_]+$/;

function isList(value: readonly JsonValue[] | JsonObject): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** The digits as they stood in the text, which the parser hands to the reviver. */
function sourceOf(context: unknown): string | null {
  if (typeof context !== "object" || context === null || !("source" in context)) return null;
  return typeof context.source === "string" ? context.source : null;
}

function assertDepth(value: JsonValue | undefined, depth: number): void {
  if (depth > MAX_JSON_DEPTH) throw new JsonError("the value", "nested too deeply");
  if (value === null || typeof value !== "object") return;
  for (const item of isList(value) ? value : Object.values(value)) assertDepth(item, depth + 1);
}
