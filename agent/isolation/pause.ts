import type { Clock } from "../../common/clock/mod.ts";

/** Resolves after `ms` of `clock`. */
export function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => clock.setTimer(ms, resolve));
}
