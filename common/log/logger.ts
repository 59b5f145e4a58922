import { isSecretName, redact } from "./redact.ts";

/** Severity of a record, mildest first. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;

/** Severity of a record. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Facts beside the message; values are printed, never interpreted. */
export type LogFields = Readonly<Record<string, string | number | bigint | boolean | undefined>>;

/** Where records of one component go. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The same sink under another component name. */
  child(component: string): Logger;
}

/** What a logger needs from its process. */
export interface LoggerOptions {
  readonly component: string;
  readonly level: LogLevel;
  readonly format: "text" | "json";
  readonly nowMs: () => number;
  /** Takes one line without its newline. */
  readonly write: (line: string) => void;
}

/**
 * A logger that writes one line per record, secrets redacted (AGT-5, AUD-6).
 *
 * @example
 * ```ts
 * import { createLogger } from "./logger.ts";
 * import assert from "node:assert/strict";
 *
 * const lines: string[] = [];
 * const log = createLogger({
 *   component: "log", level: "info", format: "text", nowMs: () => 0,
 *   write: (line) => lines.push(line),
 * });
 * log.debug("not shown");
 * log.info("opened", { entries: 3 });
 * assert.deepEqual(lines, ["1970-01-01T00:00:00.000Z INFO  log: opened entries=3"]);
 * ```
 */
export function createLogger(options: LoggerOptions): Logger {
  const threshold = LOG_LEVELS.indexOf(options.level);
  const emit = (level: LogLevel) => (message: string, fields: LogFields = {}) => {
    if (LOG_LEVELS.indexOf(level) < threshold) return;
    options.write(formatRecord(options, level, message, fields));
  };
  return {
    debug: emit("debug"),
    info: emit("info"),
    warn: emit("warn"),
    error: emit("error"),
    child: (component) => createLogger({ ...options, component }),
  };
}

/** A logger that keeps nothing, for callers that want none. */
export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
};

function formatRecord(
  options: LoggerOptions,
  level: LogLevel,
  message: string,
  fields: LogFields,
): string {
  const time = new Date(options.nowMs()).toISOString();
  const text = redact(message);
  const entries = Object.entries(fields).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, isSecretName(key) ? "***" : redact(String(value))] as const]
  );
  if (options.format === "json") {
    const record = { time, level, component: options.component, message: text };
    return JSON.stringify({ ...Object.fromEntries(entries), ...record });
  }
  const facts = entries.map(([key, value]) => ` ${key}=${quoteIfNeeded(value)}`).join("");
  return `${time} ${level.toUpperCase().padEnd(5)} ${options.component}: ${oneLine(text)}${facts}`;
}

function quoteIfNeeded(value: string): string {
  return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}

function oneLine(text: string): string {
  return text.replaceAll("\n", "\\n");
}
