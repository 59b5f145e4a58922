/*
 * The boot of a node: phases in strict order, each tried again until it is done (BTS-1 to BTS-3).
 *
 *   state       event              next
 *   notStarted  start              running, first phase, attempt 1
 *   running     completed          running the next phase, or ready
 *   running     failed             failed
 *   failed      due, retry         running, the same phase, one attempt more
 *   ready       (none)
 *
 * What arrives for another phase or attempt than the running one is of the past and changes nothing.
 */

/** Every phase in its order (agent.md 3.1). */
export const BOOT_PHASES = [
  "InitHardware",
  "ConfigureNetwork",
  "LoadIdentity",
  "PullOverlay",
  "StartServices",
  "Ready",
] as const;

/** A phase of the boot. */
export type BootPhase = (typeof BOOT_PHASES)[number];

/** A phase that is done. */
export interface CompletedPhase {
  readonly phase: BootPhase;
  /** From the beginning of its first attempt, waits included. */
  readonly durationMs: number;
  readonly attempts: number;
}

interface Progress {
  /** When the boot began, on the clock of the events. */
  readonly beganAtMs: number;
  readonly completed: readonly CompletedPhase[];
}

interface InPhase extends Progress {
  readonly phase: BootPhase;
  /** Counted from 1. */
  readonly attempt: number;
  readonly phaseBeganAtMs: number;
  /** Why the last attempt was none; absent in the first. */
  readonly lastReason?: string;
}

/** Where the boot stands. */
export type BootState =
  | { readonly kind: "notStarted" }
  | ({ readonly kind: "running" } & InPhase)
  /** BootFailed(phase, attempt, reason); without `retryAtMs` it stays so until somebody asks. */
  | ({ readonly kind: "failed"; readonly reason: string; readonly retryAtMs?: number } & InPhase)
  | ({ readonly kind: "ready"; readonly totalMs: number } & Progress);

/** What happens to a boot. */
export type BootEvent =
  | { readonly kind: "start" }
  | { readonly kind: "completed"; readonly phase: BootPhase; readonly attempt: number }
  | {
    readonly kind: "failed";
    readonly phase: BootPhase;
    readonly attempt: number;
    readonly reason: string;
  }
  /** The time of the next attempt may have come. */
  | { readonly kind: "due" }
  /** What the failed phase lacked may be there now: try at once. */
  | { readonly kind: "retry" };

/** What the shell does. */
export type BootEffect =
  | { readonly kind: "run"; readonly phase: BootPhase; readonly attempt: number }
  | { readonly kind: "wakeAt"; readonly atMs: number }
  | ({ readonly kind: "phaseCompleted" } & CompletedPhase)
  | {
    readonly kind: "phaseFailed";
    readonly phase: BootPhase;
    readonly attempt: number;
    readonly reason: string;
    /** Until the next attempt; undefined when none follows by itself. */
    readonly retryInMs: number | undefined;
    /** `retry 3/30`, or that the retries are used up. */
    readonly retries: string;
  }
  | {
    readonly kind: "ready";
    readonly totalMs: number;
    readonly completed: readonly CompletedPhase[];
  };

/** How often and after what waits a phase is tried again (`agent.boot`). */
export interface BootRules {
  /** The phases of this run profile, in the order of BOOT_PHASES. */
  readonly phases: readonly BootPhase[];
  readonly maxRetries: number;
  readonly backoffInitialMs: number;
  readonly backoffMaxMs: number;
  /** Between attempts after the last retry; 0: none. */
  readonly slowRetryMs: number;
}

/** The next state and what is to be done. */
export interface BootStep {
  readonly state: BootState;
  readonly effects: readonly BootEffect[];
}

/** One step of a boot; `nowMs` never goes back. */
export function stepBoot(
  rules: BootRules,
  state: BootState,
  event: BootEvent,
  nowMs: number,
): BootStep {
  switch (event.kind) {
    case "start":
      if (state.kind !== "notStarted") return { state, effects: [] };
      return enterNext(rules, { beganAtMs: nowMs, completed: [] }, nowMs);
    case "completed":
      return isCurrent(state, event) ? complete(rules, state, nowMs) : { state, effects: [] };
    case "failed":
      return isCurrent(state, event) ? fail(rules, state, event.reason, nowMs) : {
        state,
        effects: [],
      };
    case "due":
      if (state.kind !== "failed" || state.retryAtMs === undefined || nowMs < state.retryAtMs) {
        return { state, effects: [] };
      }
      return tryAgain(state);
    case "retry":
      return state.kind === "failed" ? tryAgain(state) : { state, effects: [] };
  }
}

/** The wait before retry number `retry`, counted from 1; undefined when none follows (BTS-3). */
export function retryDelayMs(rules: BootRules, retry: number): number | undefined {
  if (retry > rules.maxRetries) return rules.slowRetryMs === 0 ? undefined : rules.slowRetryMs;
  // Beyond 2^30 any wait is the longest one.
  return Math.min(rules.backoffInitialMs * 2 ** Math.min(retry - 1, 30), rules.backoffMaxMs);
}

type Running = Extract<BootState, { kind: "running" }>;
type Failed = Extract<BootState, { kind: "failed" }>;

function isCurrent(
  state: BootState,
  event: { readonly phase: BootPhase; readonly attempt: number },
): state is Running {
  return state.kind === "running" && state.phase === event.phase &&
    state.attempt === event.attempt;
}

function enterNext(rules: BootRules, progress: Progress, nowMs: number): BootStep {
  const { beganAtMs, completed } = progress;
  const phase = rules.phases[completed.length];
  if (phase === undefined) {
    const totalMs = nowMs - beganAtMs;
    return {
      state: { kind: "ready", totalMs, beganAtMs, completed },
      effects: [{ kind: "ready", totalMs, completed }],
    };
  }
  return {
    state: { kind: "running", phase, attempt: 1, phaseBeganAtMs: nowMs, beganAtMs, completed },
    effects: [{ kind: "run", phase, attempt: 1 }],
  };
}

function complete(rules: BootRules, state: Running, nowMs: number): BootStep {
  const { phase, attempt, phaseBeganAtMs, beganAtMs } = state;
  const done = { phase, durationMs: nowMs - phaseBeganAtMs, attempts: attempt };
  const next = enterNext(rules, { beganAtMs, completed: [...state.completed, done] }, nowMs);
  return { state: next.state, effects: [{ kind: "phaseCompleted", ...done }, ...next.effects] };
}

function fail(rules: BootRules, state: Running, reason: string, nowMs: number): BootStep {
  const { phase, attempt } = state;
  const retryInMs = retryDelayMs(rules, attempt);
  const retryAtMs = retryInMs === undefined ? undefined : nowMs + retryInMs;
  const { maxRetries } = rules;
  const retries = attempt <= maxRetries
    ? `retry ${attempt}/${maxRetries}`
    : `after ${maxRetries} retries`;
  return {
    state: {
      ...state,
      kind: "failed",
      reason,
      ...(retryAtMs !== undefined && { retryAtMs }),
    },
    effects: [
      { kind: "phaseFailed", phase, attempt, reason, retryInMs, retries },
      ...(retryAtMs === undefined ? [] : [{ kind: "wakeAt", atMs: retryAtMs } as const]),
    ],
  };
}

function tryAgain(state: Failed): BootStep {
  const { reason, retryAtMs: _, ...inPhase } = state;
  const attempt = state.attempt + 1;
  return {
    state: { ...inPhase, kind: "running", attempt, lastReason: reason },
    effects: [{ kind: "run", phase: state.phase, attempt }],
  };
}
