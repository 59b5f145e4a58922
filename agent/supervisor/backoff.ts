/**
 * The delay before a restart, in seconds (SUP-2): the declared delay, doubling with each restart
 * of the series up to `capSeconds` or the declared delay if that is longer. A declared 0 gives
 * 0, 1, 2, 4 and so on.
 *
 * ```ts
 * import { restartDelaySeconds } from "./backoff.ts";
 *
 * const series = [0, 1, 2, 3, 4, 5].map((earlier) => restartDelaySeconds(5, earlier, 60));
 * if (series.join() !== "5,10,20,40,60,60") throw new Error(series.join());
 * ```
 *
 * @param earlierRestarts how many restarts the series has had already
 */
export function restartDelaySeconds(
  declaredSeconds: number,
  earlierRestarts: number,
  capSeconds: number,
): number {
  const cap = Math.max(capSeconds, declaredSeconds);
  if (declaredSeconds > 0) return Math.min(declaredSeconds * 2 ** earlierRestarts, cap);
  return earlierRestarts === 0 ? 0 : Math.min(2 ** (earlierRestarts - 1), cap);
}
