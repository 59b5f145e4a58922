import { parse, TomlError } from "smol-toml";
import type { JsonValue } from "../json/mod.ts";
import { ConfigError, type ConfigPosition } from "./config_error.ts";

/** Largest TOML text read, in characters: no configuration or spec comes near it. */
export const MAX_TOML_CHARS = 4 * 1024 * 1024;

/** A parsed TOML table; dates are kept as their text. */
export type TomlTable = { readonly [key: string]: JsonValue | undefined };

/**
 * Parses `text`, naming `file`, line and column in every error.
 *
 * @throws {ConfigError} for malformed or oversized text.
 */
export function parseToml(text: string, file: string): TomlTable {
  if (text.length > MAX_TOML_CHARS) {
    throw new ConfigError(`larger than ${MAX_TOML_CHARS} characters`, { file });
  }
  try {
    return plainTable(parse(text));
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const reason = error.message.split("\n")[0]?.replace(/^Invalid TOML document: /, "");
    throw new ConfigError(`malformed TOML: ${reason}`, {
      file,
      line: error.line,
      column: error.column,
    });
  }
}

function plainTable(table: Record<string, unknown>): TomlTable {
  const plain: Record<string, JsonValue> = {};
  for (const [key, value] of Object.entries(table)) plain[key] = plainValue(value);
  return plain;
}

function plainValue(value: unknown): JsonValue {
  if (Array.isArray(value)) return value.map(plainValue);
  if (value instanceof Date) return value.toISOString();
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [key, plainValue(member)]),
    );
  }
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
    return value;
  }
  throw new TypeError(`unexpected TOML value of type ${typeof value}`);
}

/**
 * The place of the key with this path in `text`: the line of its assignment, or of the nearest
 * enclosing table when it stands inside an inline value. The parser gives no positions for keys, and
 * an error without a line sends its reader searching.
 */
export function locateTomlKey(text: string, path: readonly string[], file: string): ConfigPosition {
  const lines = text.split("\n");
  let table: readonly string[] = [];
  const wanted = withoutIndexes(path);
  let best: { depth: number; line: number } = { depth: 0, line: 1 };
  for (const [index, line] of lines.entries()) {
    const header = /^\s*\[\[?\s*([^\]]+?)\s*\]\]?/.exec(line);
    const assignment = header === null ? /^\s*([^=#]+?)\s*=/.exec(line) : null;
    if (header?.[1] !== undefined) table = splitKey(header[1]);
    const name = header !== null
      ? table
      : assignment?.[1] !== undefined
      ? [...table, ...splitKey(assignment[1])]
      : undefined;
    if (name === undefined) continue;
    // A table may stand in the text only as part of a longer header: [a.b] is also where a is.
    const depth = isPrefix(name, wanted) ? name.length : isPrefix(wanted, name) ? wanted.length : 0;
    if (depth > best.depth) best = { depth, line: index + 1 };
  }
  const column = (/\S/.exec(lines[best.line - 1] ?? "")?.index ?? 0) + 1;
  return { file, line: best.line, column };
}

/** Parts of a dotted TOML key with bare, basic-quoted and literal-quoted parts. */
function splitKey(key: string): string[] {
  const parts = key.matchAll(/"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+)/g);
  return [...parts].map((part) => part[1] ?? part[2] ?? part[3] ?? "");
}

function withoutIndexes(path: readonly string[]): readonly string[] {
  return path.filter((part) => !/^[0-9]+$/.test(part));
}

function isPrefix(prefix: readonly string[], whole: readonly string[]): boolean {
  return prefix.length <= whole.length && prefix.every((part, index) => part === whole[index]);
}
