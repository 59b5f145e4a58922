/** No window is shorter than this, whatever the magnitude (WIN-1). */
export const DEFAULT_FLOOR_SECONDS = 60;

/** What the length of a window depends on besides the drift itself. */
export interface WindowSettings {
  /** Length without drift, > 0; default 900 (WIN-1). */
  readonly baseSeconds: number;
  /** How fast a window shrinks as the magnitude grows, ≥ 0; default 2.0. */
  readonly sensitivity: number;
  /** Shortest window; 60 outside of development. */
  readonly floorSeconds: number;
}

/** The published settings. */
export const DEFAULT_WINDOW_SETTINGS: WindowSettings = {
  baseSeconds: 900,
  sensitivity: 2,
  floorSeconds: DEFAULT_FLOOR_SECONDS,
};

/**
 * Seconds that an administrator has to commit or revert drift of this magnitude: `base / (1 + M ×
 * sensitivity)`, cut to whole seconds, never below the floor (WIN-1, A3).
 *
 * @throws RangeError for a base that is not positive, or a negative sensitivity or magnitude.
 * @example
 * ```ts
 * import { DEFAULT_WINDOW_SETTINGS, windowSeconds } from "./formula.ts";
 * import assert from "node:assert/strict";
 *
 * assert.equal(windowSeconds(0.15, DEFAULT_WINDOW_SETTINGS), 692);
 * ```
 */
export function windowSeconds(magnitude: number, settings: WindowSettings): number {
  const { baseSeconds, sensitivity, floorSeconds } = settings;
  if (!(baseSeconds > 0)) throw new RangeError(`window base must be > 0, not ${baseSeconds}`);
  if (!(sensitivity >= 0)) throw new RangeError(`sensitivity must be >= 0, not ${sensitivity}`);
  if (!(magnitude >= 0)) throw new RangeError(`magnitude must be >= 0, not ${magnitude}`);
  return Math.max(floorSeconds, Math.trunc(baseSeconds / (1 + magnitude * sensitivity)));
}
