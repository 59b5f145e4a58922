import type { config } from "../../api/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import type { Dimension, EffectiveState, Watch } from "../apply/mod.ts";
import type {
  Attribution,
  DriftCategory,
  DriftItem,
  DriftMagnitude,
  PerCategory,
  SeverityTable,
} from "../drift/mod.ts";
import type { NodeState } from "./node_state.ts";
import type { ReportLimits } from "./reporting.ts";
import type { CloseReason, WindowRules, WindowState } from "./window_state.ts";

/** What the policy of the vCluster, or before it is known the configuration, decides. */
export interface ConvergencePolicy {
  readonly window: WindowRules;
  readonly weights: PerCategory;
  readonly severity: SeverityTable;
  /** Dimensions whose unattributed drift is reverted without a window (DRIFT-10). */
  readonly autoConverge: ReadonlySet<DriftCategory>;
  /** Dimensions that expiry does not roll back (DRIFT-11). */
  readonly requireAck: ReadonlySet<DriftCategory>;
  /** Patterns of the local configuration; the declaration brings the policy's (BLK-1). */
  readonly blacklist: readonly string[];
}

/** What happened to a node's state; each becomes an entry, an audit event or a notice. */
export type ConvergenceEvent =
  | {
    readonly kind: "driftDetected";
    /** Redacted (DRIFT-12), in canonical order. */
    readonly items: readonly DriftItem[];
    readonly magnitude: DriftMagnitude;
  }
  | { readonly kind: "windowOpened" | "deadlineMoved"; readonly remainingSeconds: number }
  | { readonly kind: "windowClosed"; readonly reason: CloseReason | "rebooted" }
  | { readonly kind: "committed"; readonly items: readonly DriftItem[] }
  | { readonly kind: "rolledBack"; readonly result: RollbackResult; readonly automatic: boolean }
  | {
    readonly kind: "rollbackBlocked";
    readonly blockedBy: readonly string[];
    readonly automatic: boolean;
  }
  | { readonly kind: "autoConverged"; readonly items: readonly DriftItem[] }
  | { readonly kind: "applied"; readonly result: ApplyResult }
  | { readonly kind: "alert"; readonly text: string }
  | { readonly kind: "stateChanged"; readonly nodeState: NodeState };

/** What became of the declared items that had to be changed. */
export interface ApplyResult {
  readonly applied: readonly string[];
  readonly failed: readonly NamedReason[];
  readonly unavailable: readonly NamedReason[];
}

/** An item and why it is not as it shall be. */
export interface NamedReason {
  /** `category:key`. */
  readonly name: string;
  readonly reason: string;
}

/** What a rollback did (RBK-2, RBK-6). */
export interface RollbackResult {
  /** Redacted. */
  readonly items: readonly DriftItem[];
  /** Where overwritten work was kept, by item name. */
  readonly backups: ReadonlyMap<string, string>;
  /** Items that still differ after reading back; empty when the rollback is complete. */
  readonly incomplete: readonly NamedReason[];
}

/** A commit on its way to the journal: the baseline has not moved yet. */
export interface PreparedCommit {
  readonly id: number;
  /** Redacted. */
  readonly items: readonly DriftItem[];
  /** With contents: what the entry carries. */
  readonly delta: config.StateDelta;
}

/** Everything a status shows of the node's state. */
export interface ConvergenceStatus {
  readonly nodeState: NodeState;
  readonly items: readonly DriftItem[];
  readonly magnitude: DriftMagnitude;
  readonly window: WindowState;
  /** Until the deadline of an open window; rounded up. */
  readonly remainingSeconds: number | undefined;
  readonly emergency: boolean;
  /** Declared but not brought about yet (APL-6). */
  readonly failures: readonly NamedReason[];
  /** What this profile or build cannot do (CTX-5). */
  readonly unavailable: readonly NamedReason[];
  readonly overlayVersion: bigint;
  readonly sequence: bigint;
  readonly declaredCount: number;
}

/** Why a command was refused; `code` is the wire's. */
export class ConvergenceError extends Error {
  override readonly name = "ConvergenceError";
  constructor(
    readonly code:
      | "INVALID_ARGUMENT"
      | "FAILED_PRECONDITION"
      | "NOT_FOUND"
      | "WINDOW_EXPIRED"
      | "ACTIVE_CONSUMERS",
    message: string,
    /** Lines `ITEM: pid PID (COMM) by USER` of ACTIVE_CONSUMERS. */
    readonly blockedBy: readonly string[] = [],
  ) {
    super(message);
  }
}

/** Where the convergence keeps what must outlive a restart of the agent (INI-31, RBK-7). */
export interface DocumentStore {
  /** A document saved before, undefined when there is none. */
  load(name: string): string | undefined;
  /** Saves whole or not at all. */
  save(name: string, text: string): void;
}

/** What the convergence is made of. */
export interface ConvergenceOptions {
  /** One provider for each dimension. */
  readonly dimensions: readonly Dimension[];
  readonly clock: Clock;
  /** CLOCK_BOOTTIME in milliseconds: deadlines are kept in it (WIN-4). */
  readonly bootMs: () => number;
  /** Another one than last time means that the node was rebooted. */
  readonly bootId: string;
  readonly store: DocumentStore;
  readonly log: Logger;
  readonly policy: ConvergencePolicy;
  readonly report: (event: ConvergenceEvent) => void;
  /** Who is known to have changed an item, by name (DRIFT-6). */
  readonly attribution?: (name: string) => Attribution | undefined;
  /** Which process is known to have changed an item, in one line (OBS-11). */
  readonly cause?: (name: string) => string | undefined;
  readonly limits?: ReportLimits;
  /** What is held against what it was after convergence unless it is declared (OBS-9); absent:
   * nothing is. */
  readonly watches?: readonly Watch[];
  /** Whether an undeclared change, by name, came with a service as it should; absent: none does. */
  readonly isOrdinary?: (name: string) => boolean;
}

/** Keeps a node at what is declared for it, and tells where it is not. */
export interface Convergence {
  /** Applies the difference to what was declared before, and verifies (APL-7). */
  setDeclared(declared: EffectiveState): Promise<ApplyResult>;
  /** Looks at everything declared now; resolves with the drift found. */
  scan(): Promise<readonly DriftItem[]>;
  /** As scan, for an observer that saw a change: returns at once. An item that fails and is named,
   * `category:key`, is tried again without delay. */
  noticeChange(name?: string): void;
  /**
   * Captures the drifted items, or those named `category:key`, for an entry. Throws
   * ConvergenceError: `nothing to commit`, an item that has not drifted or cannot be committed.
   */
  prepareCommit(keys?: readonly string[]): Promise<PreparedCommit>;
  /**
   * The entry is safe, in the journal under `sequence` or in the operation log under `requestId`: the
   * captured values are declared from now on.
   */
  confirmCommit(id: number, sequence?: bigint, requestId?: string): Promise<void>;
  /** The entry was refused: nothing has changed. */
  abortCommit(id: number): void;
  /**
   * An entry left the operation log (PRT-8): its commit has got a sequence, or without one was
   * rejected, and what it declared is drift again. Other entries are nothing to the convergence.
   */
  commitReplayed(requestId: string, sequence?: bigint): Promise<void>;
  /**
   * Restores the declared values of what has drifted, first making `to` what is declared where it is
   * given (RBK-1). Throws ConvergenceError ACTIVE_CONSUMERS with nothing changed (RBK-4).
   */
  rollback(options?: { to?: EffectiveState; force?: boolean }): Promise<RollbackResult>;
  /** Extends the window; resolves with the remaining seconds. Throws in the words of WIN-5. */
  extend(minutes: number): Promise<number>;
  setPolicy(policy: ConvergencePolicy): Promise<void>;
  startEmergency(): Promise<void>;
  endEmergency(): Promise<void>;
  /** Stops the clock of the window while an approval is pending (WIN-8). */
  approvalPending(timeoutMs: number): Promise<void>;
  approvalDecided(): Promise<void>;
  status(): ConvergenceStatus;
  /** Ends timers; what was under way is finished first. */
  close(): Promise<void>;
}
