import { ownLane } from "./lane.ts";

/** Bound and name of what a test waits for. */
export interface WaitOptions {
  /** Default 30 s: no test shall fail where it only waits longer than usual, as beside a busy disk. */
  timeoutMs?: number;
  /** Completes the sentence "timed out waiting for ...", when the time is up. */
  what: string | (() => string);
}

const DEFAULT_TIMEOUT_MS = 30_000;
/**
 * How long after a look the next one comes: a twentieth of the time waited so far, within these bounds.
 * What takes long is looked at seldom, for a look may cost what is waited for its processor.
 */
const POLL = { minMs: 10, maxMs: 100, share: 1 / 20 } as const;
/** How many times longer every wait may take where files of tests share the processors. */
const PATIENCE_IN_LANES = 3;

/**
 * Waits until the condition yields something other than undefined, null or false, and returns it.
 * An error of the condition counts as "not yet" and is shown when the time is up.
 *
 * @throws Error naming what was waited for.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  options: WaitOptions,
): Promise<NonNullable<Exclude<T, false>>> {
  const { timeoutMs, what } = patient(options);
  const startMs = performance.now();
  const endMs = startMs + timeoutMs;
  let lastError: unknown;
  do {
    try {
      const value = await condition();
      if (isPresent(value)) return value;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    const pauseMs = Math.max(POLL.minMs, (performance.now() - startMs) * POLL.share);
    await new Promise((resolve) => setTimeout(resolve, Math.min(pauseMs, POLL.maxMs)));
  } while (performance.now() < endMs);
  throw new Error(`timed out after ${timeoutMs} ms waiting for ${text(what)}`, {
    cause: lastError,
  });
}

/** The promise's outcome, or an error naming what did not come in time. */
export async function within<T>(
  promise: Promise<T>,
  options: WaitOptions,
): Promise<T> {
  const { timeoutMs, what } = patient(options);
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`timed out after ${timeoutMs} ms waiting for ${text(what)}`)),
    timeoutMs,
  );
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function patient({ timeoutMs = DEFAULT_TIMEOUT_MS, what }: WaitOptions): Required<WaitOptions> {
  return { timeoutMs: timeoutMs * (ownLane() === undefined ? 1 : PATIENCE_IN_LANES), what };
}

function isPresent<T>(value: T): value is NonNullable<Exclude<T, false>> {
  return value !== undefined && value !== null && value !== false;
}

function text(what: WaitOptions["what"]): string {
  return typeof what === "string" ? what : what();
}
