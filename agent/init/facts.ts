/** pact-init, process 1, names the pipe for the beat in this variable. */
export const BEAT_VARIABLE = "PACT_INIT_BEAT_FD";

/** What PID 1 told this agent when it started it. */
export interface InitFacts {
  /** The pipe to PID 1. */
  readonly beatFd: number;
  /** What the driver granted; null without a watchdog, as far as PID 1 knew then. */
  readonly watchdogSeconds: number | null;
  /** The watchdog caused this boot of the node (WDG-9). */
  readonly hasWatchdogFired: boolean;
  /** How the agent before this one ended: "exit 3", "signal 9", "core 11", "upgrade"; null for the first. */
  readonly formerEnd: string | null;
}

/**
 * Reads the environment that `pact-init` gives its agent; undefined for an agent of nobody's.
 *
 * ```ts
 * import { initFacts } from "./facts.ts";
 *
 * const given: Record<string, string> = {
 *   PACT_INIT_BEAT_FD: "3",
 *   PACT_INIT_WATCHDOG: "30 fired",
 *   PACT_INIT_FORMER: "none",
 * };
 * const facts = initFacts((name) => given[name]);
 * if (facts?.watchdogSeconds !== 30 || !facts.hasWatchdogFired) throw new Error();
 * if (facts.formerEnd !== null) throw new Error();
 * ```
 */
export function initFacts(env: (name: string) => string | undefined): InitFacts | undefined {
  const beat = env(BEAT_VARIABLE) ?? "";
  if (!/^[0-9]{1,4}$/.test(beat)) return undefined;
  const [, seconds, fired] = /^([0-9]{1,5})( fired)?$/.exec(env("PACT_INIT_WATCHDOG") ?? "") ?? [];
  const former = env("PACT_INIT_FORMER") ?? "none";
  return {
    beatFd: Number(beat),
    watchdogSeconds: seconds === undefined ? null : Number(seconds),
    hasWatchdogFired: fired !== undefined,
    formerEnd: former === "none" ? null : former,
  };
}
