/**
 * Single commands on a node: which may run, what they may do, and running them with bounded,
 * streamed output (node-ops.md 8.1, 8.2).
 *
 * @module
 */
export type { CommandClass } from "./classify.ts";
export type { ExecContext, ExecEvent, ExecLimits, ExecRun } from "./exec_run.ts";
export {
  type CommandListing,
  createExecutor,
  type Executor,
  type ExecutorOptions,
} from "./executor.ts";
export type { ExecPlan, ExecRefusal, ExecRequest, ExecRights, Preparation } from "./prepare.ts";
export { type ExecCircumstances, execLogMessage, type ExecSummary } from "./summary.ts";
export { isProtectedFromOom } from "./oom_protection.ts";
export { resolveBinary, type ResolvedBinary, SEARCH_PATH } from "./resolve.ts";
export {
  DEFAULT_COMMANDS,
  effectiveWhitelist,
  type ListedCommand,
  type Whitelist,
} from "./whitelist.ts";
