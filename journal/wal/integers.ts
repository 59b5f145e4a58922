/**
 * Safe integers as eight little-endian bytes, without a detour over bigint.
 *
 * @module
 */
import { RecordError } from "./record_error.ts";

const HIGH_UNIT = 2 ** 32;

/** High halves above this make integers that a number cannot tell apart. */
const HIGH_MAX = 2 ** 21 - 1;

export function putInteger(view: DataView, at: number, value: number): void {
  view.setUint32(at, value % HIGH_UNIT, true);
  view.setUint32(at + 4, Math.floor(value / HIGH_UNIT), true);
}

/** @throws {RecordError} when the integer is not a safe one */
export function takeInteger(view: DataView, at: number): number {
  const high = view.getUint32(at + 4, true);
  if (high > HIGH_MAX) throw new RecordError("a number is too large", at);
  return high * HIGH_UNIT + view.getUint32(at, true);
}
