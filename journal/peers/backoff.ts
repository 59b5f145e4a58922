const FIRST_MS = 50;
const LONGEST_MS = 2_000;

/**
 * How long to wait before dialling again: 50 ms after the first failure in a row, doubling up to
 * 2 s, and of that at random between the half and the whole, so that members that lost each other
 * at once do not dial at once.
 */
export function dialDelayMs(failuresInRow: number, random: () => number): number {
  const fullMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failuresInRow - 1, 16));
  return fullMs * (0.5 + random() / 2);
}
