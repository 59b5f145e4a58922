/** How many calls a minute may have (SAF-3). */
const CALLS_PER_MINUTE = { any: 120, write: 20, exec: 10 } as const;

/** What is counted on its own. */
export type RateClass = keyof typeof CALLS_PER_MINUTE;

/** When the counted calls of the last minute were made, oldest first, by class. */
export type RateState = Readonly<Record<RateClass, readonly number[]>>;

export const initialRateState: RateState = { any: [], write: [], exec: [] };

const windowMs = 60_000;

/** A decision and what to remember. */
export interface RateDecision {
  readonly state: RateState;
  /** Milliseconds until the call would be allowed; 0 when it is now. */
  readonly waitMs: number;
}

/**
 * Counts a call against every class it belongs to, in a window that slides over the last minute. A
 * refused call is not counted.
 */
export function admitCall(
  state: RateState,
  classes: readonly RateClass[],
  nowMs: number,
): RateDecision {
  const recent = mapClasses((rateClass) =>
    state[rateClass].filter((atMs) => nowMs - atMs < windowMs)
  );
  const waitMs = Math.max(...classes.map((rateClass) => {
    const calls = recent[rateClass];
    const oldest = calls[calls.length - CALLS_PER_MINUTE[rateClass]];
    return oldest === undefined ? 0 : oldest + windowMs - nowMs;
  }));
  if (waitMs > 0) return { state: recent, waitMs };
  return {
    state: mapClasses((rateClass) =>
      classes.includes(rateClass) ? [...recent[rateClass], nowMs] : recent[rateClass]
    ),
    waitMs: 0,
  };
}

function mapClasses(times: (rateClass: RateClass) => readonly number[]): RateState {
  return { any: times("any"), write: times("write"), exec: times("exec") };
}
