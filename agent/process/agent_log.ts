import { systemClock } from "../../common/clock/mod.ts";
import { createLogger, LOG_LEVELS, type Logger, type LogLevel } from "../../common/log/mod.ts";

/** The agent's log, to its standard error, in the words of the configuration. */
export function loggerOf(level: string, format: string): Logger {
  return createLogger({
    component: "agent",
    level: isLevel(level) ? level : "info",
    format: format === "json" ? "json" : "text",
    nowMs: systemClock.nowMs,
    write: (line) => console.error(line),
  });
}

function isLevel(text: string): text is LogLevel {
  return LOG_LEVELS.some((level) => level === text);
}
