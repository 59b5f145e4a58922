/**
 * Interactive sessions: an audited, restricted bash on a terminal (node-ops.md 8.3).
 *
 * @module
 */
export { CommandLog, LogEscape, type LoggedCommand } from "./command_log.ts";
export { type NoticeFacts, shellNotice } from "./notice.ts";
export { clampedSize, type ShellTerminal, terminalOf } from "./open_request.ts";
export {
  type EndReason,
  openingShell,
  type ShellEffect,
  type ShellEvent,
  type ShellLimits,
  type ShellState,
  type ShellStep,
  shellStep,
  type TimerName,
} from "./session_machine.ts";
export type { SessionEnd, ShellSession } from "./shell_session.ts";
export { type SessionRequest, type ShellPlace, Shells, type ShellsOptions } from "./shells.ts";
