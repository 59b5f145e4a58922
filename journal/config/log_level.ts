import { z } from "zod";
import { LOG_LEVELS, type LogLevel } from "../../common/log/mod.ts";

/** Levels that other loggers know, by the nearest one here. */
const OTHER_LEVELS: Readonly<Record<string, LogLevel>> = {
  trace: "debug",
  warning: "warn",
  critical: "error",
  off: "error",
};

/**
 * Reads a level, or a list of `target=level` directives as `RUST_LOG` carries them: the one for pact's
 * journal counts, else the one without a target, else `info`.
 */
export const LogLevelSchema = z.string().transform((text, context): LogLevel => {
  const directives = text.split(",").map((part) => part.trim()).filter((part) => part !== "");
  const isList = directives.length > 1 || text.includes("=");
  const level = isList ? fromDirectives(directives) : levelOf(text);
  if (level !== undefined) return level;
  context.addIssue({ code: "custom", message: `'${text}' is not one of ${LOG_LEVELS.join(", ")}` });
  return z.NEVER;
});

function fromDirectives(directives: readonly string[]): LogLevel | undefined {
  const own = directives.find((each) => /^pact([_-]journal)?=/.test(each));
  const general = directives.find((each) => !each.includes("="));
  const chosen = own?.slice(own.indexOf("=") + 1) ?? general;
  return chosen === undefined ? "info" : levelOf(chosen);
}

function levelOf(text: string): LogLevel | undefined {
  const word = text.trim().toLowerCase();
  return LOG_LEVELS.find((level) => level === word) ??
    (Object.hasOwn(OTHER_LEVELS, word) ? OTHER_LEVELS[word] : undefined);
}
