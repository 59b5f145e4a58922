import { systemClock } from "../../../common/clock/mod.ts";
import { createLogger } from "../../../common/log/mod.ts";

/** A log to the test's own output, for what real servers make hard to see otherwise. */
export const spireLog = createLogger({
  component: "test",
  level: "debug",
  format: "text",
  nowMs: systemClock.nowMs,
  write: (line) => console.log(line),
});
