import type { Clock } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";

/**
 * A clock that certificates are judged by: it is never before `buildDateMs`, which a machine without a
 * battery for its own clock may well be when it boots (ROT-6). It says so once in the log each time
 * that it has to be used.
 */
export function certificateClock(clock: Clock, log: Logger, buildDateMs: number): Clock {
  let isBehind = false;
  return {
    monotonicMs: () => clock.monotonicMs(),
    setTimer: (delayMs, fire) => clock.setTimer(delayMs, fire),
    clearTimer: (handle) => clock.clearTimer(handle),
    nowMs: () => {
      const nowMs = clock.nowMs();
      const wasBehind = isBehind;
      isBehind = nowMs < buildDateMs;
      if (isBehind && !wasBehind) {
        log.warn(
          "the system time is before this program was built: certificates are judged by that day",
          {
            system_time: new Date(nowMs).toISOString(),
            build_date: new Date(buildDateMs).toISOString(),
          },
        );
      } else if (wasBehind && !isBehind) log.info("the system time was set");
      return Math.max(nowMs, buildDateMs);
    },
  };
}
