/**
 * How often the supervision loop looks, by what runs on the node (SUP-31). Pure.
 *
 * | workload | interval | idle work |
 * |---|---|---|
 * | unknown, no look yet | baseline | no |
 * | idle | idle | yes |
 * | active | active, a quarter longer after every tick without event, up to active maximum | no |
 *
 * @module
 */

/** Whether anything runs below workload.slice (CG-41). */
export type WorkloadState = "unknown" | "idle" | "active";

/** Milliseconds between ticks (agent.md 2). */
export interface LoopIntervals {
  readonly baselineMs: number;
  readonly idleMs: number;
  readonly activeMs: number;
  readonly activeMaxMs: number;
}

export interface Pace {
  readonly workload: WorkloadState;
  /** Until the next tick. */
  readonly intervalMs: number;
}

/** What a tick found. */
export interface TickFinding {
  readonly workload: WorkloadState;
  /** Something happened since the last tick. */
  readonly isEventful: boolean;
}

const GROWTH = 1.25;

/** The pace before the first look. */
export function firstPace({ baselineMs }: LoopIntervals): Pace {
  return { workload: "unknown", intervalMs: baselineMs };
}

/**
 * The pace after a tick.
 *
 * ```ts
 * import { firstPace, nextPace } from "./pace.ts";
 *
 * const intervals = { baselineMs: 1000, idleMs: 500, activeMs: 2000, activeMaxMs: 5000 };
 * const quiet = { workload: "active", isEventful: false } as const;
 * let pace = firstPace(intervals);
 * const seen: number[] = [];
 * for (let tick = 0; tick < 6; tick++) seen.push((pace = nextPace(pace, quiet, intervals)).intervalMs);
 * if (seen.join() !== "2000,2500,3125,3906.25,4882.8125,5000") throw new Error(seen.join());
 * ```
 */
export function nextPace(former: Pace, tick: TickFinding, intervals: LoopIntervals): Pace {
  const { workload } = tick;
  switch (workload) {
    case "unknown":
      return firstPace(intervals);
    case "idle":
      return { workload, intervalMs: intervals.idleMs };
    case "active": {
      const goesOn = former.workload === "active" && !tick.isEventful;
      const intervalMs = goesOn ? former.intervalMs * GROWTH : intervals.activeMs;
      return { workload, intervalMs: Math.min(intervalMs, intervals.activeMaxMs) };
    }
  }
}

/**
 * The intervals with none above `longestMs`, which is half the watchdog's time, and a sentence for
 * every one that was (WDG-4).
 */
export function boundIntervals(
  intervals: LoopIntervals,
  longestMs: number,
): { readonly intervals: LoopIntervals; readonly warnings: readonly string[] } {
  const warnings: string[] = [];
  const bound = (name: string, ms: number) => {
    if (ms <= longestMs) return ms;
    warnings.push(`${name} of ${ms} ms is more than half the watchdog's time: ${longestMs} ms`);
    return longestMs;
  };
  return {
    intervals: {
      baselineMs: bound("baseline_poll_ms", intervals.baselineMs),
      idleMs: bound("idle_poll_ms", intervals.idleMs),
      activeMs: bound("active_poll_ms", intervals.activeMs),
      activeMaxMs: bound("active_poll_max_ms", intervals.activeMaxMs),
    },
    warnings,
  };
}
