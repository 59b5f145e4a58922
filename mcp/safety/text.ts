const beginMarker = "--- begin output ---";
const endMarker = "--- end output ---";

/** Room that a quoted text leaves for what stands around it, in bytes. */
const frameBytes = 512;

/** Colours and cursor movements of terminals (ECMA-48 control sequences). */
const controlSequence = /(?![\n\t])\p{Cc}\[[0-?]*[ -/]*[@-~]/gu;

/**
 * Text without control sequences and characters (newline and tab stay) and without marks that turn
 * the reading direction.
 */
export function withoutControls(text: string): string {
  return text.replaceAll("\r\n", "\n").replaceAll(controlSequence, "")
    .replaceAll(/(?![\n\t])[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, "");
}

/**
 * Text that came from nodes or people, between markers, so that an assistant can tell data from
 * instructions (SAF-7). A line in it that looks like a marker is set off with a backslash.
 */
export function quoteOutput(text: string, maxBytes: number): string {
  const clean = withoutControls(text)
    .replaceAll(/^(?=--- (?:begin|end) output ---)/gm, "\\")
    .replace(/\n+$/, "");
  const body = truncateMiddle(clean, Math.max(frameBytes, maxBytes - frameBytes));
  return `${beginMarker}\n${body}\n${endMarker}`;
}

/**
 * At most `maxBytes` of UTF-8: the head and the tail, and between them how much was left out
 * (MCP-45, SAF-9).
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { truncateMiddle } from "./text.ts";
 *
 * assert.equal(truncateMiddle("short", 100), "short");
 * const cut = truncateMiddle("a".repeat(500) + "z".repeat(500), 200);
 * assert.match(cut, /^a+\n\[truncated, \d+ bytes omitted\]\nz+$/);
 * ```
 */
export function truncateMiddle(text: string, maxBytes: number): string {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= maxBytes) return text;
  const room = Math.max(0, maxBytes - noticeBytes);
  const headEnd = characterStart(bytes, Math.ceil(room / 2));
  const tailStart = characterEnd(bytes, bytes.length - Math.floor(room / 2));
  const decoder = new TextDecoder();
  const head = decoder.decode(bytes.subarray(0, headEnd));
  const tail = decoder.decode(bytes.subarray(tailStart));
  return `${head}\n[truncated, ${tailStart - headEnd} bytes omitted]\n${tail}`;
}

/** Length of the longest notice between head and tail. */
const noticeBytes = 48;

/** The last start of a character at or before `index`. */
function characterStart(bytes: Uint8Array, index: number): number {
  let at = index;
  while (at > 0 && isContinuation(bytes[at])) at--;
  return at;
}

/** The first start of a character at or after `index`. */
function characterEnd(bytes: Uint8Array, index: number): number {
  let at = index;
  while (at < bytes.length && isContinuation(bytes[at])) at++;
  return at;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
