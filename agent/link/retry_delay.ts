import type { ErrorCode } from "../../common/errors/mod.ts";

const SECOND_MS = 1000;

/** First and longest wait after each kind of refusal (NEN-7, SUB-8). */
const DELAYS: Readonly<Partial<Record<ErrorCode, readonly [number, number]>>> = {
  NODE_NOT_ENROLLED: [60 * SECOND_MS, 300 * SECOND_MS],
  HARDWARE_IDENTITY_MISMATCH: [60 * SECOND_MS, 300 * SECOND_MS],
  NODE_REVOKED: [300 * SECOND_MS, 300 * SECOND_MS],
  INVALID_ARGUMENT: [60 * SECOND_MS, 60 * SECOND_MS],
  LOCKED: [2 * SECOND_MS, 5 * SECOND_MS],
  ALREADY_ACTIVE: [30 * SECOND_MS, 60 * SECOND_MS],
};

const DEFAULT_DELAY = [SECOND_MS, 60 * SECOND_MS] as const;

/** `agent.enrollment.retry_seconds` where nothing else is configured. */
export const DEFAULT_ENROLLMENT_RETRY_MS = 300 * SECOND_MS;

/**
 * How long to wait before try `attempt` (from 1): doubling from the first wait to the longest, with
 * ±20 % so that a fleet does not knock in step. Waits after a refused enrolment are never longer than
 * `enrollmentRetryMs`. `random` is uniform in [0, 1).
 */
export function retryDelayMs(
  code: ErrorCode,
  attempt: number,
  random: () => number,
  enrollmentRetryMs: number = DEFAULT_ENROLLMENT_RETRY_MS,
): number {
  const refused = DELAYS[code];
  const [first, longest] = refused ?? DEFAULT_DELAY;
  const doubled = Math.min(first * 2 ** Math.min(attempt - 1, 16), longest);
  const bounded = refused === undefined ? doubled : Math.min(doubled, enrollmentRetryMs);
  return Math.round(bounded * (0.8 + 0.4 * random()));
}
