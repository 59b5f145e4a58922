import type { Clock } from "../../common/clock/mod.ts";
import type { Caller } from "../access/mod.ts";

/** How far clocks may differ (AUT-3). */
const CLOCK_SKEW_MS = 60_000;

/** Aborts when the caller's token ends, with the tolerance that calls have (AUT-3). */
export function tokenExpiry({ expiresAtMs }: Caller, clock: Clock) {
  const expired = new AbortController();
  if (expiresAtMs === undefined) return { signal: expired.signal, cancel: () => {} };
  const leftMs = expiresAtMs + CLOCK_SKEW_MS - clock.nowMs();
  const timer = clock.setTimer(leftMs, () => expired.abort());
  return { signal: expired.signal, cancel: () => clock.clearTimer(timer) };
}
