/** A checkpoint is due after so many entries, */
const MAX_UNSIGNED_ENTRIES = 1000;
/** or so long after the first entry that none covers, in milliseconds. */
const MAX_UNSIGNED_MS = 60_000;

/** What is known of the log and its signatures. */
export interface Coverage {
  /** Entries that no checkpoint covers. */
  readonly unsigned: number;
  /** Since when there has been one, on the monotonic clock; undefined while there is none. */
  readonly unsignedSinceMs: number | undefined;
}

/** A log whose every entry is covered. */
export const COVERED: Coverage = { unsigned: 0, unsignedSinceMs: undefined };

/** The coverage once `unsigned` entries are found to be without a checkpoint at `nowMs`. */
export function observe(before: Coverage, unsigned: number, nowMs: number): Coverage {
  if (unsigned <= 0) return COVERED;
  const isNew = before.unsignedSinceMs === undefined || unsigned < before.unsigned;
  return { unsigned, unsignedSinceMs: isNew ? nowMs : before.unsignedSinceMs };
}

/** How long from `nowMs` until a checkpoint is due: 0 for now, undefined while nothing waits. */
export function dueInMs(
  { unsigned, unsignedSinceMs }: Coverage,
  nowMs: number,
): number | undefined {
  if (unsignedSinceMs === undefined) return undefined;
  if (unsigned >= MAX_UNSIGNED_ENTRIES) return 0;
  return Math.max(0, unsignedSinceMs + MAX_UNSIGNED_MS - nowMs);
}
