const DURATION_UNITS: readonly [string, number][] = [
  ["d", 86_400],
  ["h", 3_600],
  ["m", 60],
  ["s", 1],
];

/**
 * A duration by its two largest units: `45s`, `5m3s`, `2h5m`, `3d4h` (CLI-92).
 *
 * @example
 * ```ts
 * import { durationText } from "./time.ts";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([45, 303, 7500, 273_600].map(durationText), ["45s", "5m3s", "2h5m", "3d4h"]);
 * ```
 */
export function durationText(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const first = DURATION_UNITS.findIndex(([, length]) => whole >= length);
  if (first < 0) return "0s";
  let rest = whole;
  let text = "";
  for (const [unit, length] of DURATION_UNITS.slice(first, first + 2)) {
    const count = Math.floor(rest / length);
    rest -= count * length;
    if (count > 0) text += `${count}${unit}`;
  }
  return text;
}

/** An instant as `YYYY-MM-DD HH:MM:SS`, UTC. */
export function dateTimeText(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 19).replace("T", " ");
}

/** The time of day of an instant as `HH:MM:SS`, UTC. */
export function clockText(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(11, 19);
}

/** How long ago an instant was: `12s ago`; `-` when it never was. */
export function agoText(epochMs: number | undefined, nowMs: number): string {
  return epochMs === undefined ? "-" : `${durationText((nowMs - epochMs) / 1000)} ago`;
}

/**
 * Seconds of a duration as commands take it: plain seconds, or `15m`, `2h`, `10d` (CLI-60).
 * Undefined when the text is none.
 */
export function parseDuration(text: string): number | undefined {
  const match = /^([0-9]{1,9})([smhd]?)$/.exec(text);
  if (match === null) return undefined;
  const length = DURATION_UNITS.find(([unit]) => unit === match[2])?.[1] ?? 1;
  return Number(match[1]) * length;
}
