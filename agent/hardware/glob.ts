/**
 * Whether a text matches a pattern of `*`, `?` and `[...]`, as fnmatch(3) without flags has it. It takes
 * at most the product of both lengths.
 *
 * ```ts
 * import { matchesGlob } from "./glob.ts";
 * import assert from "node:assert/strict";
 *
 * assert.ok(matchesGlob("pci:v00001AF4d*sv*", "pci:v00001AF4d00001000sv00001AF4"));
 * assert.ok(!matchesGlob("nvidia[0-9]", "nvidiactl"));
 * ```
 */
export function matchesGlob(pattern: string, text: string): boolean {
  let at = 0;
  let from = 0;
  let star = -1;
  let starText = 0;
  while (from < text.length) {
    const next = stepOf(pattern, at, text[from] ?? "");
    if (next !== undefined) {
      at = next;
      from++;
    } else if (pattern[at] === "*") {
      star = at++;
      starText = from;
    } else if (star >= 0) {
      at = star + 1;
      from = ++starText;
    } else return false;
  }
  while (pattern[at] === "*") at++;
  return at === pattern.length;
}

/** Where the pattern goes on behind one character, undefined where it does not match. */
function stepOf(pattern: string, at: number, character: string): number | undefined {
  const first = pattern[at];
  if (first === undefined || first === "*") return undefined;
  if (first === "?") return at + 1;
  const end = first === "[" ? pattern.indexOf("]", at + 2) : -1;
  if (end < 0) return first === character ? at + 1 : undefined;
  return isInSet(pattern.slice(at + 1, end), character) ? end + 1 : undefined;
}

function isInSet(set: string, character: string): boolean {
  const isNegated = set.startsWith("!") || set.startsWith("^");
  const members = isNegated ? set.slice(1) : set;
  let isMember = false;
  for (let at = 0; at < members.length; at++) {
    const low = members[at] ?? "";
    const isRange = members[at + 1] === "-" && at + 2 < members.length;
    const high = isRange ? members[at + 2] ?? "" : low;
    if (character >= low && character <= high) isMember = true;
    if (isRange) at += 2;
  }
  return isMember !== isNegated;
}
