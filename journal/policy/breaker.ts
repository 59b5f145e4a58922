/**
 * The circuit breaker before an OPA server (OPA-12).
 *
 * | state | success | failure              | asked           |
 * | ----- | ------- | -------------------- | --------------- |
 * | shut  | shut    | shut, or open at five | yes            |
 * | open  | shut    | open for 5 s more    | after 5 s       |
 */

/** Errors in a row after which the server is left alone. */
const MAX_FAILURES = 5;
/** How long it is left alone. */
const OPEN_MS = 5_000;

/** What the breaker knows: how often it failed in a row, and until when nobody asks. */
export interface BreakerState {
  readonly failures: number;
  readonly openUntilMs: number | undefined;
}

/** A breaker that has seen nothing yet. */
export const SHUT: BreakerState = { failures: 0, openUntilMs: undefined };

/** The state after an answer, or after none. */
export function afterAttempt(
  state: BreakerState,
  isAnswered: boolean,
  nowMs: number,
): BreakerState {
  if (isAnswered) return SHUT;
  const failures = state.failures + 1;
  return {
    failures,
    openUntilMs: failures >= MAX_FAILURES ? nowMs + OPEN_MS : state.openUntilMs,
  };
}

/** Whether the server is left alone now. */
export function isOpen({ openUntilMs }: BreakerState, nowMs: number): boolean {
  return openUntilMs !== undefined && nowMs < openUntilMs;
}
