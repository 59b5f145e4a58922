/**
 * What a service says of itself by sd_notify(3), and until when it has to. Pure.
 *
 * @module
 */
import type { ServiceDeclaration } from "./declaration.ts";

/** The part of a message that is understood; the rest is ignored. */
export interface Notification {
  readonly ready: boolean;
  readonly stopping: boolean;
  readonly alive: boolean;
  /** Present when the message has one. */
  readonly statusText: string | null;
}

export interface Readiness {
  readonly ready: boolean;
  /** It is going down by itself. */
  readonly stopping: boolean;
  /** When the patience with a service that is not ready ends; null once it is. */
  readonly readyUntilMs: number | null;
  /** When the next WATCHDOG=1 has to have come; null without a watchdog, or before it is ready. */
  readonly aliveUntilMs: number | null;
  /** Its own words, for people; empty until it said some. */
  readonly statusText: string;
}

type NotifyRules = Pick<ServiceDeclaration, "readiness" | "watchdogSeconds">;

const STATUS_MAX_CHARS = 256;

/**
 * Reads the lines of a message.
 *
 * ```ts
 * import { readNotification } from "./readiness.ts";
 *
 * const { ready, statusText } = readNotification("READY=1\nSTATUS=loaded 7 zones\nX_OWN=1");
 * if (!ready || statusText !== "loaded 7 zones") throw new Error(`${statusText}`);
 * ```
 */
export function readNotification(text: string): Notification {
  const values = new Map<string, string>();
  for (const line of text.split("\n")) {
    const at = line.indexOf("=");
    if (at > 0) values.set(line.slice(0, at), line.slice(at + 1));
  }
  const status = values.get("STATUS");
  return {
    ready: values.get("READY") === "1",
    stopping: values.get("STOPPING") === "1",
    alive: values.get("WATCHDOG") === "1",
    statusText: status === undefined ? null : printable(status),
  };
}

/** Readiness of a service that has just been started; at once for one that does not tell. */
export function beginReadiness(rules: NotifyRules, nowMs: number): Readiness {
  const ready = rules.readiness === null;
  return {
    ready,
    stopping: false,
    readyUntilMs: rules.readiness === null ? null : nowMs + rules.readiness.timeoutSeconds * 1000,
    aliveUntilMs: ready ? aliveUntilMs(rules, nowMs) : null,
    statusText: "",
  };
}

/**
 * Readiness of a service that was running before this agent was. What it said is past; one that had
 * not said yet that it is ready has as long for it as after a start.
 */
export function adoptedReadiness(rules: NotifyRules, ready: boolean, nowMs: number): Readiness {
  return beginReadiness(ready ? { ...rules, readiness: null } : rules, nowMs);
}

/** What a message changes. */
export function notified(
  readiness: Readiness,
  message: Notification,
  rules: NotifyRules,
  nowMs: number,
): Readiness {
  const ready = readiness.ready || message.ready;
  const isSign = message.alive || (message.ready && !readiness.ready);
  return {
    ready,
    stopping: readiness.stopping || message.stopping,
    readyUntilMs: ready ? null : readiness.readyUntilMs,
    aliveUntilMs: ready && isSign ? aliveUntilMs(rules, nowMs) : readiness.aliveUntilMs,
    statusText: message.statusText ?? readiness.statusText,
  };
}

/** Why a service has to be given up; null while there is no reason. */
export function silence(readiness: Readiness, rules: NotifyRules, nowMs: number): string | null {
  const { readyUntilMs, aliveUntilMs, stopping } = readiness;
  if (stopping) return null;
  if (readyUntilMs !== null && nowMs >= readyUntilMs) {
    return `not ready within ${rules.readiness?.timeoutSeconds ?? 0} s`;
  }
  if (aliveUntilMs !== null && nowMs >= aliveUntilMs) {
    return `no WATCHDOG=1 within ${rules.watchdogSeconds ?? 0} s`;
  }
  return null;
}

/** When {@link silence} may have an answer; null when never. */
export function readinessWakeAtMs(readiness: Readiness): number | null {
  if (readiness.stopping) return null;
  return readiness.readyUntilMs ?? readiness.aliveUntilMs;
}

function aliveUntilMs({ watchdogSeconds }: NotifyRules, nowMs: number): number | null {
  return watchdogSeconds === null ? null : nowMs + watchdogSeconds * 1000;
}

function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, " ").slice(0, STATUS_MAX_CHARS);
}
