/** How the language of the original prints things. */

const ESCAPES: ReadonlyMap<number, string> = new Map([
  [0x07, "\\a"],
  [0x08, "\\b"],
  [0x0c, "\\f"],
  [0x0a, "\\n"],
  [0x0d, "\\r"],
  [0x09, "\\t"],
  [0x0b, "\\v"],
  [0x22, '\\"'],
  [0x5c, "\\\\"],
]);

const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

/** Bytes as a quoted text. */
export function quoteBytes(bytes: Uint8Array): string {
  let quoted = "";
  for (let at = 0; at < bytes.length;) {
    const rune = runeAt(bytes, at);
    quoted += rune === undefined ? hexEscape(bytes[at] ?? 0, "\\x", 2) : quoteRune(rune.point);
    at += rune?.length ?? 1;
  }
  return `"${quoted}"`;
}

export function quoteText(text: string): string {
  return quoteBytes(new TextEncoder().encode(text));
}

function quoteRune(point: number): string {
  const escape = ESCAPES.get(point);
  if (escape !== undefined) return escape;
  const char = String.fromCodePoint(point);
  if (PRINTABLE.test(char)) return char;
  if (point < 0x80) return hexEscape(point, "\\x", 2);
  return point > 0xffff ? hexEscape(point, "\\U", 8) : hexEscape(point, "\\u", 4);
}

function hexEscape(value: number, prefix: string, digits: number): string {
  return prefix + value.toString(16).padStart(digits, "0");
}

/** The character encoded at a place; undefined where the bytes are no valid UTF-8. */
function runeAt(
  bytes: Uint8Array,
  at: number,
): { readonly point: number; readonly length: number } | undefined {
  for (const length of [1, 2, 3, 4]) {
    if (at + length > bytes.length) return undefined;
    try {
      const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
        .decode(bytes.subarray(at, at + length));
      return { point: text.codePointAt(0) ?? 0, length };
    } catch {
      // Not complete yet, or not valid at any length.
    }
  }
  return undefined;
}

/** What is wrong with a text that should be an unsigned 64-bit number; undefined for a number. */
export function numberTrouble(text: string): string | undefined {
  const trouble = (what: string) => `strconv.ParseUint: parsing ${quoteText(text)}: ${what}`;
  if (!/^\d+$/.test(text)) return trouble("invalid syntax");
  return BigInt(text) >= 1n << 64n ? trouble("value out of range") : undefined;
}
