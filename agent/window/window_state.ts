/**
 * The states, events and effects of the commit window (WIN-3). All moments are milliseconds of a
 * clock that neither stops in suspend nor is ever set: CLOCK_BOOTTIME (WIN-4).
 *
 * @module
 */
import type { WindowSettings } from "./formula.ts";

/** What happens to drift: it is told, it alerts at the deadline, or it is rolled back (WIN-2). */
export type EnforcementMode = "observe" | "warn" | "enforce";

/** Settings that the policy decides and that may change while a window is open. */
export interface WindowRules extends WindowSettings {
  readonly mode: EnforcementMode;
  /** Most that all extensions of one window may add up to (WIN-5). */
  readonly emergencyWindowSeconds: number;
}

/** What every window remembers of its opening. */
export interface WindowFacts {
  /** The first event of the drift that opened it. */
  readonly openedMs: number;
  readonly deadlineMs: number;
  /** Sum of what extend has granted. */
  readonly extendedMs: number;
}

/** The states of WIN-3. */
export type WindowState =
  | { readonly kind: "Idle" }
  | {
    readonly kind: "Open";
    readonly window: WindowFacts;
    /** Set once the deadline has passed over items that want an acknowledgement (DRIFT-11). */
    readonly awaiting?: { readonly nextAlertMs: number };
  }
  | {
    readonly kind: "Suspended";
    readonly cause: "emergency" | "approval";
    /** The window as it was; absent when drift came up only during the emergency. */
    readonly window?: WindowFacts;
    /** When the suspension began. */
    readonly sinceMs: number;
    /** An approval suspends no longer than this (WIN-8). */
    readonly untilMs?: number;
  }
  | { readonly kind: "RollingBack"; readonly window: WindowFacts }
  | {
    readonly kind: "RollbackBlocked";
    readonly window: WindowFacts;
    readonly blockedBy: readonly string[];
    readonly retryAtMs: number;
  }
  | { readonly kind: "Expired"; readonly window: WindowFacts };

/** The drift that an event leaves behind. */
export interface RemainingDrift {
  readonly magnitude: number;
  /** Every item left wants an acknowledgement, so expiry has nothing to roll back (DRIFT-11). */
  readonly onlyAcknowledged: boolean;
}

/** What can happen to a window. */
export type WindowEvent =
  /** Drift is there. `grew`: somebody changed more than before. */
  | {
    readonly kind: "drift";
    readonly drift: RemainingDrift;
    readonly firstEventMs: number;
    readonly grew: boolean;
  }
  /** Nothing differs any more, and neither commit nor rollback brought that about. */
  | { readonly kind: "clean" }
  /** Everything that differed was committed. */
  | { readonly kind: "committed" }
  /** A rollback ended; `drift` is what is left of it, after reading back (RBK-6). */
  | { readonly kind: "rolledBack"; readonly drift: RemainingDrift | undefined }
  /** A rollback met active consumers (RBK-4). */
  | { readonly kind: "blocked"; readonly blockedBy: readonly string[] }
  | { readonly kind: "extended"; readonly additionalMs: number }
  | { readonly kind: "emergencyStarted" }
  | { readonly kind: "emergencyEnded"; readonly drift: RemainingDrift | undefined }
  | { readonly kind: "approvalPending"; readonly timeoutMs: number }
  | { readonly kind: "approvalDecided" }
  /** An administrator forces a blocked rollback on (RBK-5). */
  | { readonly kind: "forced" }
  | { readonly kind: "rulesChanged"; readonly drift: RemainingDrift | undefined }
  | { readonly kind: "tick"; readonly drift: RemainingDrift | undefined };

/** Why a window closed. */
export type CloseReason = "committed" | "rolled back" | "reverted manually" | "mode observe";

/** What a shell does about a transition. */
export type WindowEffect =
  | { readonly kind: "opened"; readonly deadlineMs: number }
  | { readonly kind: "deadlineMoved"; readonly deadlineMs: number }
  | { readonly kind: "closed"; readonly reason: CloseReason }
  | { readonly kind: "rollBack"; readonly force: boolean }
  | { readonly kind: "alert"; readonly text: string };

/** A state with what has to be done on entering it. */
export interface WindowTransition {
  readonly state: WindowState;
  readonly effects: readonly WindowEffect[];
}
