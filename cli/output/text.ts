/**
 * Text that came from elsewhere, made safe for a terminal: control characters other than tab (and
 * those that reverse the reading direction) show as `\xNN`, so that a message or a log line cannot move the cursor, recolour or retitle anything.
 *
 * @example
 * ```ts
 * import { printable } from "./text.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(printable("a\u001b[31mb"), "a\\x1b[31mb");
 * ```
 */
export function printable(text: string): string {
  return text.replaceAll(
    /(?!\t)[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

/** `count` with its noun, plural made by appending `s`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** A size in bytes as people read it: binary steps, one decimal from GB up. */
export function bytesText(bytes: number): string {
  const units = ["B", "KB", "MB", "GB", "TB", "PB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit < 3 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}
