/**
 * The commit window (WIN-3): one at most (A1), its deadline never later than its base plus what was
 * granted (WIN-4), suspended in emergencies (A4).
 *
 * | State \ event   | drift       | clean, committed | extended | emergency | deadline              |
 * |-----------------|-------------|------------------|----------|-----------|-----------------------|
 * | Idle            | Open        | Idle             | Idle     | Suspended | -                     |
 * | Open            | Open        | Idle             | Open     | Suspended | RollingBack, Expired  |
 * | Suspended       | Suspended   | Suspended        | same     | same      | (approval over) Open  |
 * | RollingBack     | RollingBack | RollingBack      | same     | Suspended | -                     |
 * | RollbackBlocked | same        | Idle             | same     | Suspended | (retry) RollingBack   |
 * | Expired         | Expired     | Idle             | same     | Suspended | -                     |
 *
 * @module
 */
import { windowSeconds } from "./formula.ts";
import type {
  CloseReason,
  RemainingDrift,
  WindowEffect,
  WindowEvent,
  WindowFacts,
  WindowRules,
  WindowState,
  WindowTransition,
} from "./window_state.ts";

/** A blocked rollback is tried again after this (RBK-4). */
export const BLOCKED_RETRY_MS = 30_000;
/** An item that wants an acknowledgement is told again after this (DRIFT-11). */
export const ACKNOWLEDGE_ALERT_MS = 3_600_000;

const IDLE: WindowState = { kind: "Idle" };

/** The next state of the window, and what its shell does about it. Pure. */
export function stepWindow(
  state: WindowState,
  event: WindowEvent,
  nowMs: number,
  rules: WindowRules,
): WindowTransition {
  if (event.kind === "emergencyStarted") return startEmergency(state, nowMs);
  if (event.kind === "rulesChanged" && state.kind !== "Suspended") {
    return changeRules(state, event.drift, nowMs, rules);
  }
  switch (state.kind) {
    case "Idle":
      return event.kind === "drift"
        ? open(event.drift, event.firstEventMs, nowMs, rules)
        : stay(state);
    case "Open":
      return stepOpen(state, event, nowMs, rules);
    case "Suspended":
      return stepSuspended(state, event, nowMs, rules);
    case "RollingBack":
      return stepRollingBack(state, event, nowMs, rules);
    case "RollbackBlocked":
      return stepBlocked(state, event, nowMs, rules);
    case "Expired":
      return stepExpired(state, event);
  }
}

/** When the shell must send the next tick; undefined: the state waits for events alone. */
export function nextTickMs(state: WindowState): number | undefined {
  switch (state.kind) {
    case "Open":
      return state.awaiting?.nextAlertMs ?? state.window.deadlineMs;
    case "Suspended":
      return state.untilMs;
    case "RollbackBlocked":
      return state.retryAtMs;
    default:
      return undefined;
  }
}

/** Until the deadline of an open window, rounded up; undefined where none is open. */
export function remainingSeconds(state: WindowState, nowMs: number): number | undefined {
  if (state.kind !== "Open") return undefined;
  return Math.max(0, Math.ceil((state.window.deadlineMs - nowMs) / 1000));
}

function stepOpen(
  state: Extract<WindowState, { kind: "Open" }>,
  event: WindowEvent,
  nowMs: number,
  rules: WindowRules,
): WindowTransition {
  switch (event.kind) {
    case "drift":
      return event.grew ? moreDrift(state, event.drift, nowMs, rules) : stay(state);
    case "clean":
      return close("reverted manually");
    case "committed":
      return close("committed");
    case "rolledBack":
      return event.drift === undefined ? close("rolled back") : stay(state);
    case "extended": {
      const { window } = state;
      return openUntil({
        ...window,
        deadlineMs: window.deadlineMs + event.additionalMs,
        extendedMs: window.extendedMs + event.additionalMs,
      });
    }
    case "approvalPending":
      return stay({
        kind: "Suspended",
        cause: "approval",
        window: state.window,
        sinceMs: nowMs,
        untilMs: nowMs + event.timeoutMs,
      });
    case "tick":
      return tickOpen(state, event.drift, nowMs, rules);
    default:
      return stay(state);
  }
}

function tickOpen(
  state: Extract<WindowState, { kind: "Open" }>,
  drift: RemainingDrift | undefined,
  nowMs: number,
  rules: WindowRules,
): WindowTransition {
  const due = state.awaiting?.nextAlertMs ?? state.window.deadlineMs;
  if (nowMs < due) return stay(state);
  if (drift === undefined) return close("reverted manually");
  if (drift.onlyAcknowledged) return awaitAcknowledgement(state.window, nowMs);
  if (rules.mode === "enforce") {
    return {
      state: { kind: "RollingBack", window: state.window },
      effects: [{ kind: "rollBack", force: false }],
    };
  }
  return {
    state: { kind: "Expired", window: state.window },
    effects: [{ kind: "alert", text: "commit window expired" }],
  };
}

function stepSuspended(
  state: Extract<WindowState, { kind: "Suspended" }>,
  event: WindowEvent,
  nowMs: number,
  rules: WindowRules,
): WindowTransition {
  if (state.cause === "emergency") {
    if (event.kind !== "emergencyEnded") return stay(state);
    return event.drift === undefined
      ? close("reverted manually")
      : open(event.drift, nowMs, nowMs, rules);
  }
  switch (event.kind) {
    case "clean":
      return close("reverted manually");
    case "committed":
      return close("committed");
    case "rolledBack":
      return event.drift === undefined ? close("rolled back") : stay(state);
    case "approvalDecided":
      return resume(state, nowMs);
    case "tick":
      return nowMs >= (state.untilMs ?? nowMs) ? resume(state, nowMs) : stay(state);
    default:
      return stay(state);
  }
}

function stepRollingBack(
  state: Extract<WindowState, { kind: "RollingBack" }>,
  event: WindowEvent,
  nowMs: number,
  rules: WindowRules,
): WindowTransition {
  if (event.kind === "blocked") {
    return {
      state: {
        kind: "RollbackBlocked",
        window: state.window,
        blockedBy: event.blockedBy,
        retryAtMs: nowMs + BLOCKED_RETRY_MS,
      },
      effects: [{
        kind: "alert",
        text: `rollback blocked by active consumers: ${event.blockedBy.join("; ")}`,
      }],
    };
  }
  if (event.kind !== "rolledBack") return stay(state);
  if (event.drift === undefined) return close("rolled back");
  if (event.drift.onlyAcknowledged) return awaitAcknowledgement(state.window, nowMs);
  return open(event.drift, nowMs, nowMs, rules);
}

function stepBlocked(
  state: Extract<WindowState, { kind: "RollbackBlocked" }>,
  event: WindowEvent,
  nowMs: number,
  rules: WindowRules,
): WindowTransition {
  switch (event.kind) {
    case "committed":
      return close("committed");
    case "clean":
      return close("reverted manually");
    case "rolledBack":
      return event.drift === undefined ? close("rolled back") : stay(state);
    case "forced":
      return rollBackAgain(state.window, true);
    case "tick":
      if (nowMs < state.retryAtMs || rules.mode !== "enforce") return stay(state);
      return rollBackAgain(state.window, false);
    default:
      return stay(state);
  }
}

function stepExpired(
  state: Extract<WindowState, { kind: "Expired" }>,
  event: WindowEvent,
): WindowTransition {
  switch (event.kind) {
    case "committed":
      return close("committed");
    case "clean":
      return close("reverted manually");
    case "rolledBack":
      return event.drift === undefined ? close("rolled back") : stay(state);
    default:
      return stay(state);
  }
}

function startEmergency(state: WindowState, nowMs: number): WindowTransition {
  if (state.kind === "Suspended" && state.cause === "emergency") return stay(state);
  const window = state.kind === "Idle" ? undefined : state.window;
  return stay({
    kind: "Suspended",
    cause: "emergency",
    sinceMs: nowMs,
    ...(window && { window }),
  });
}

/** Another mode takes hold at once; other settings count from the next change of the drift. */
function changeRules(
  state: Exclude<WindowState, { kind: "Suspended" }>,
  drift: RemainingDrift | undefined,
  nowMs: number,
  rules: WindowRules,
): WindowTransition {
  if (state.kind === "RollingBack") return stay(state);
  if (rules.mode === "observe") return state.kind === "Idle" ? stay(state) : close("mode observe");
  if (drift === undefined) return stay(state);
  if (state.kind === "Idle" || (state.kind === "Expired" && rules.mode === "enforce")) {
    return open(drift, nowMs, nowMs, rules);
  }
  return stay(state);
}

function open(
  drift: RemainingDrift,
  firstEventMs: number,
  nowMs: number,
  rules: WindowRules,
): WindowTransition {
  if (rules.mode === "observe") return stay(IDLE);
  const openedMs = Math.min(firstEventMs, nowMs);
  const deadlineMs = openedMs + windowSeconds(drift.magnitude, rules) * 1000;
  return {
    state: { kind: "Open", window: { openedMs, deadlineMs, extendedMs: 0 } },
    effects: [{ kind: "opened", deadlineMs }],
  };
}

/**
 * More drift shortens the window, but leaves the floor to look at what is new; never beyond the
 * base from the opening plus extensions, or a steady trickle would keep it open for ever.
 */
function moreDrift(
  state: Extract<WindowState, { kind: "Open" }>,
  drift: RemainingDrift,
  nowMs: number,
  rules: WindowRules,
): WindowTransition {
  if (state.awaiting !== undefined) {
    return drift.onlyAcknowledged ? stay(state) : open(drift, nowMs, nowMs, rules);
  }
  const { openedMs, extendedMs, deadlineMs } = state.window;
  const byFormulaMs = openedMs + windowSeconds(drift.magnitude, rules) * 1000 + extendedMs;
  const floorMs = rules.floorSeconds * 1000;
  const latestMs = openedMs + Math.max(rules.baseSeconds * 1000, floorMs) + extendedMs;
  const wantedMs = Math.max(Math.min(deadlineMs, byFormulaMs), nowMs + floorMs);
  const movedMs = Math.min(wantedMs, Math.max(latestMs, deadlineMs));
  return movedMs === deadlineMs ? stay(state) : openUntil({ ...state.window, deadlineMs: movedMs });
}

function awaitAcknowledgement(window: WindowFacts, nowMs: number): WindowTransition {
  return {
    state: {
      kind: "Open",
      window,
      awaiting: { nextAlertMs: nowMs + ACKNOWLEDGE_ALERT_MS },
    },
    effects: [{ kind: "alert", text: "awaiting acknowledgement" }],
  };
}

/** The time of an approval does not count against the window (WIN-8). */
function resume(
  state: Extract<WindowState, { kind: "Suspended" }>,
  nowMs: number,
): WindowTransition {
  if (state.window === undefined) return stay(IDLE);
  const pausedMs = nowMs - state.sinceMs;
  return openUntil({
    ...state.window,
    openedMs: state.window.openedMs + pausedMs,
    deadlineMs: state.window.deadlineMs + pausedMs,
  });
}

function rollBackAgain(window: WindowFacts, force: boolean): WindowTransition {
  return { state: { kind: "RollingBack", window }, effects: [{ kind: "rollBack", force }] };
}

function openUntil(window: WindowFacts): WindowTransition {
  return {
    state: { kind: "Open", window },
    effects: [{ kind: "deadlineMoved", deadlineMs: window.deadlineMs }],
  };
}

function close(reason: CloseReason): WindowTransition {
  const effects: WindowEffect[] = [{ kind: "closed", reason }];
  return { state: IDLE, effects };
}

function stay(state: WindowState): WindowTransition {
  return { state, effects: [] };
}
