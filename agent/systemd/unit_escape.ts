/**
 * Words as unit files want them (systemd.syntax(7), systemd.service(5), systemd.unit(5)). What they
 * cannot express is refused, never changed (SYD-3).
 *
 * @module
 */

/** Why a text cannot be in a unit. */
export class UnitTextError extends Error {
  override readonly name = "UnitTextError";
}

/**
 * One argument of ExecStart: quoted, so that no word of it is taken for a separator or an option of
 * the line, with `%` and `$` doubled.
 *
 * ```ts
 * import { execArgument } from "./unit_escape.ts";
 *
 * if (execArgument('100% "$HOME"') !== String.raw`"100%% \"$$HOME\""`) throw new Error();
 * ```
 *
 * @throws {UnitTextError} for a line break or NUL
 */
export function execArgument(text: string): string {
  return `"${escapeQuoted(text).replaceAll("$", "$$$$")}"`;
}

/**
 * The program of ExecStart.
 *
 * @throws {UnitTextError} for what systemd would not take as this path
 */
export function execPath(path: string): string {
  if (path.includes("$")) throw new UnitTextError(`${path}: a unit's program may have no '$'`);
  return `"${escapeQuoted(path)}"`;
}

/**
 * One assignment of Environment=, where `$` means itself.
 *
 * @throws {UnitTextError} for a line break or NUL
 */
export function environmentAssignment(name: string, value: string): string {
  return `"${name}=${escapeQuoted(value)}"`;
}

/**
 * A path that is the whole value of a setting, which knows no quotes.
 *
 * @throws {UnitTextError} for control characters, and for ends that would be lost
 */
export function wholePath(path: string): string {
  // deno-lint-ignore no-control-regex
  if (/[\u0000-\u001f\u007f]/.test(path) || /[\s\\]$/.test(path)) {
    throw new UnitTextError(`${JSON.stringify(path)} cannot be the value of a unit's setting`);
  }
  return path.replaceAll("%", "%%");
}

function escapeQuoted(text: string): string {
  if (/[\n\r\0]/.test(text)) {
    throw new UnitTextError(`${JSON.stringify(text.slice(0, 80))} has a line break or NUL`);
  }
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("%", "%%")
    // deno-lint-ignore no-control-regex
    .replaceAll(/[\u0001-\u001f\u007f]/g, hexEscape);
}

function hexEscape(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
}
