/**
 * The commit window: how long uncommitted drift may stay, and what becomes of it (node-ops.md
 * sections 3 to 5).
 *
 * @module
 */
export {
  type AutoConvergeDecision,
  decideAutoConverge,
  FLAPPING_PERIOD_MS,
  FLAPPING_REVERSIONS,
  noteReversions,
  type ReversionHistory,
} from "./auto_converge.ts";
export { createConvergence } from "./convergence.ts";
export {
  type ApplyResult,
  type Convergence,
  ConvergenceError,
  type ConvergenceEvent,
  type ConvergenceOptions,
  type ConvergencePolicy,
  type ConvergenceStatus,
  type DocumentStore,
  type NamedReason,
  type PreparedCommit,
  type RollbackResult,
} from "./convergence_types.ts";
export { decideExtension, DEFAULT_EXTENSION_MINUTES, type ExtensionDecision } from "./extend.ts";
export {
  DEFAULT_FLOOR_SECONDS,
  DEFAULT_WINDOW_SETTINGS,
  windowSeconds,
  type WindowSettings,
} from "./formula.ts";
export { type NodeState, nodeState } from "./node_state.ts";
export {
  DEFAULT_REPORT_LIMITS,
  forgetChange,
  noteChange,
  noteReport,
  reportDueMs,
  type ReportLimits,
  type ReportState,
} from "./reporting.ts";
export {
  ACKNOWLEDGE_ALERT_MS,
  BLOCKED_RETRY_MS,
  nextTickMs,
  stepWindow,
} from "./window_machine.ts";
export type {
  CloseReason,
  EnforcementMode,
  RemainingDrift,
  WindowEffect,
  WindowEvent,
  WindowFacts,
  WindowRules,
  WindowState,
  WindowTransition,
} from "./window_state.ts";
