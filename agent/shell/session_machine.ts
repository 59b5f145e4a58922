/*
 * One interactive shell, as states and events (SHL-2):
 *
 *   state        | event                          | next         | effects
 *   initializing | started                        | active       | idle, warnings and absolute timers
 *   initializing | failed                         | closed       | finish
 *   initializing | endAsked, callerGone           | closing      | (started then hangs up)
 *   active       | input, resize                  | active       | type, idle timer anew; resize
 *   active       | inputEnded                     | active       | type the end of input, quiet timer
 *   active       | timer warning                  | active       | tell that a minute is left
 *   active       | endAsked, callerGone, timer    | closing      | hang up, grace timer
 *   active       | exited                         | closing      | sweep what is left of it
 *   closing      | timer grace                    | closing      | sweep
 *   closing      | exited and drained             | closed       | finish
 *   closing      | input, resize                  | closing      | none (SHL-9)
 *   closed       | anything                       | closed       | none
 */

/** Why a session ended. */
export type EndReason =
  | "exit"
  | "closed by the user"
  | "the caller has gone"
  | "end of input"
  | "idle timeout"
  | "time limit"
  | "the command log was cut off"
  | "failed";

/** Timers of a session. */
export type TimerName = "idleWarning" | "idle" | "limitWarning" | "limit" | "quiet" | "grace";

export type ShellState =
  | { readonly kind: "initializing"; readonly endAsked: EndReason | undefined }
  | { readonly kind: "active"; readonly input: "open" | "ended"; readonly quietTurns: number }
  | {
    readonly kind: "closing";
    readonly reason: EndReason;
    readonly exitCode: number | undefined;
    readonly isDrained: boolean;
  }
  | { readonly kind: "closed"; readonly reason: EndReason; readonly exitCode: number };

export type ShellEvent =
  | { readonly kind: "started" }
  | { readonly kind: "failed" }
  | { readonly kind: "input"; readonly bytes: Uint8Array }
  | { readonly kind: "resize"; readonly rows: number; readonly columns: number }
  /** The caller says nothing more, and waits for what comes of what was said. */
  | { readonly kind: "inputEnded" }
  | { readonly kind: "endAsked"; readonly reason: EndReason }
  | { readonly kind: "output" }
  | { readonly kind: "exited"; readonly code: number }
  /** All output was read, and no program is left that could write any. */
  | { readonly kind: "drained" }
  | { readonly kind: "timer"; readonly name: TimerName };

export type ShellEffect =
  | { readonly kind: "type"; readonly bytes: Uint8Array }
  | { readonly kind: "resize"; readonly rows: number; readonly columns: number }
  | { readonly kind: "typeEnd" }
  | { readonly kind: "warn"; readonly text: string }
  | { readonly kind: "setTimer"; readonly name: TimerName; readonly ms: number }
  | { readonly kind: "hangUp" }
  | { readonly kind: "sweep" }
  | { readonly kind: "finish"; readonly reason: EndReason; readonly exitCode: number };

/** How long things may take, in milliseconds (SHL-7). */
export interface ShellLimits {
  readonly idleMs: number;
  readonly absoluteMs: number;
}

export interface ShellStep {
  readonly state: ShellState;
  readonly effects: readonly ShellEffect[];
}

/** SHL-7: what is told before an end that comes by itself. */
const WARNING_MS = 60_000;
/** SHL-10: how long programs may take over a hang-up. */
const GRACE_MS = 2_000;
/** After the end of input: how often its end is typed again while nothing happens, and for how long. */
const QUIET_MS = 1_000;
const QUIET_TURNS = 30;
/** What a shell is told by whom SIGHUP or SIGKILL ended it, where it could not say. */
const EXIT_FAILED = 126;

const NONE: readonly ShellEffect[] = [];

/** A session whose process is being started. */
export function openingShell(): ShellState {
  return { kind: "initializing", endAsked: undefined };
}

/** What becomes of a session by an event; no event is an error in any state. */
export function shellStep(state: ShellState, event: ShellEvent, limits: ShellLimits): ShellStep {
  switch (state.kind) {
    case "initializing":
      return initializingStep(state, event, limits);
    case "active":
      return activeStep(state, event, limits);
    case "closing":
      return closingStep(state, event);
    case "closed":
      return { state, effects: NONE };
  }
}

function initializingStep(
  state: ShellState & { kind: "initializing" },
  event: ShellEvent,
  limits: ShellLimits,
): ShellStep {
  switch (event.kind) {
    case "started":
      return state.endAsked === undefined
        ? {
          state: { kind: "active", input: "open", quietTurns: 0 },
          effects: [
            ...idleTimers(limits),
            { kind: "setTimer", name: "limitWarning", ms: limits.absoluteMs - WARNING_MS },
            { kind: "setTimer", name: "limit", ms: limits.absoluteMs },
          ],
        }
        : hangUp(state.endAsked);
    case "failed":
      return {
        state: { kind: "closed", reason: "failed", exitCode: EXIT_FAILED },
        effects: [{ kind: "finish", reason: "failed", exitCode: EXIT_FAILED }],
      };
    case "endAsked":
      return { state: { ...state, endAsked: state.endAsked ?? event.reason }, effects: NONE };
    default:
      return { state, effects: NONE };
  }
}

function activeStep(
  state: ShellState & { kind: "active" },
  event: ShellEvent,
  limits: ShellLimits,
): ShellStep {
  switch (event.kind) {
    case "input":
      if (state.input === "ended") return { state, effects: NONE };
      return { state, effects: [{ kind: "type", bytes: event.bytes }, ...idleTimers(limits)] };
    case "resize":
      return { state, effects: [{ kind: "resize", rows: event.rows, columns: event.columns }] };
    case "inputEnded":
      return {
        state: { ...state, input: "ended", quietTurns: 0 },
        effects: [{ kind: "typeEnd" }, { kind: "setTimer", name: "quiet", ms: QUIET_MS }],
      };
    case "output":
      if (state.quietTurns === 0) return { state, effects: NONE };
      return { state: { ...state, quietTurns: 0 }, effects: NONE };
    case "endAsked":
      return hangUp(event.reason);
    case "exited":
      return {
        state: { kind: "closing", reason: "exit", exitCode: event.code, isDrained: false },
        effects: [{ kind: "sweep" }],
      };
    case "drained":
      // Every program closed the terminal, the shell itself too: it is over, or will never show more.
      return { ...hangUp("exit"), state: closing("exit", true) };
    case "timer":
      return activeTimer(state, event.name);
    default:
      return { state, effects: NONE };
  }
}

function activeTimer(state: ShellState & { kind: "active" }, name: TimerName): ShellStep {
  switch (name) {
    case "idleWarning":
      return warn(state, "this session ends in one minute unless a key is pressed");
    case "limitWarning":
      return warn(state, "this session ends in one minute: its time is up");
    case "idle":
      return hangUp("idle timeout");
    case "limit":
      return hangUp("time limit");
    case "quiet":
      if (state.quietTurns >= QUIET_TURNS) return hangUp("end of input");
      return {
        state: { ...state, quietTurns: state.quietTurns + 1 },
        effects: [{ kind: "typeEnd" }, { kind: "setTimer", name: "quiet", ms: QUIET_MS }],
      };
    case "grace":
      return { state, effects: NONE };
  }
}

function closingStep(state: ShellState & { kind: "closing" }, event: ShellEvent): ShellStep {
  switch (event.kind) {
    case "exited":
      return closedIfOver({ ...state, exitCode: state.exitCode ?? event.code }, [{
        kind: "sweep",
      }]);
    case "drained":
      return closedIfOver({ ...state, isDrained: true }, NONE);
    case "timer":
      return { state, effects: event.name === "grace" ? [{ kind: "sweep" }] : NONE };
    default:
      return { state, effects: NONE };
  }
}

function closedIfOver(
  state: ShellState & { kind: "closing" },
  effects: readonly ShellEffect[],
): ShellStep {
  const { reason, exitCode, isDrained } = state;
  if (exitCode === undefined || !isDrained) return { state, effects };
  return {
    state: { kind: "closed", reason, exitCode },
    effects: [...effects, { kind: "finish", reason, exitCode }],
  };
}

function hangUp(reason: EndReason): ShellStep {
  return {
    state: closing(reason, false),
    effects: [{ kind: "hangUp" }, { kind: "setTimer", name: "grace", ms: GRACE_MS }],
  };
}

function closing(reason: EndReason, isDrained: boolean): ShellState & { kind: "closing" } {
  return { kind: "closing", reason, exitCode: undefined, isDrained };
}

function warn(state: ShellState, text: string): ShellStep {
  return { state, effects: [{ kind: "warn", text }] };
}

function idleTimers({ idleMs }: ShellLimits): readonly ShellEffect[] {
  return [
    // Where the whole time is no longer than the warning, it would come at once.
    ...(idleMs > WARNING_MS
      ? [{ kind: "setTimer", name: "idleWarning", ms: idleMs - WARNING_MS } as const]
      : []),
    { kind: "setTimer", name: "idle", ms: idleMs },
  ];
}
