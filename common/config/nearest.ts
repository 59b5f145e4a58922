/** Largest edit distance at which a name still counts as a misspelling. */
const MAX_DISTANCE = 3;

/**
 * The candidate most similar to `name`, or undefined when none is close. Used to turn "unknown key"
 * into "did you mean".
 *
 * @example
 * ```ts
 * import { nearestName } from "./nearest.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(nearestName("lisen_addr", ["listen_addr", "data_dir"]), "listen_addr");
 * assert.equal(nearestName("colour", ["data_dir"]), undefined);
 * ```
 */
export function nearestName(name: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.min(MAX_DISTANCE, Math.floor(name.length / 2)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Levenshtein distance, one row at a time. */
function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const substitution = (previous[column - 1] ?? 0) +
        (left[row - 1] === right[column - 1] ? 0 : 1);
      const deletion = (previous[column] ?? 0) + 1;
      const insertion = (current[column - 1] ?? 0) + 1;
      current.push(Math.min(substitution, deletion, insertion));
    }
    previous = current;
  }
  return previous[right.length] ?? 0;
}
