/** A pending timer, as {@link Clock.setTimer} returned it. */
export interface TimerHandle {
  readonly id: number;
}

/**
 * The source of time of a shell. Production code gets `systemClock`, tests a virtual one, and
 * nobody reads `Date` or calls `setTimeout` directly.
 */
export interface Clock {
  /** Milliseconds since the Unix epoch; may jump when someone sets the system's time. */
  nowMs(): number;
  /** Milliseconds since an arbitrary moment; never goes back. Durations are measured with it. */
  monotonicMs(): number;
  /**
   * Calls `fire` once, at least `delayMs` from now and never before this function has returned.
   * A negative delay counts as 0.
   */
  setTimer(delayMs: number, fire: () => void): TimerHandle;
  /** Forgets a timer. One that has fired, or was forgotten before, is no error. */
  clearTimer(handle: TimerHandle): void;
}
