/**
 * This member of the quorum as a process runs it: the replicated log over disk and network.
 *
 * @module
 */
export { type Founding, foundingEntries, foundQuorum } from "./founding.ts";
export {
  decodeMembershipContext,
  encodeMembershipContext,
  type MembershipContext,
} from "./membership_context.ts";
export { Directories, type DirectoriesOptions } from "./directories.ts";
export { Gathering, type GatheringSite } from "./gathering.ts";
export { withTime } from "./messages.ts";
export { ApplyQueue } from "./apply_queue.ts";
export { leaderUnknown, readOnly, shuttingDown, tooLarge, tooMany } from "./log_errors.ts";
export type { MemberLog } from "./member_log.ts";
export { openQuorumLog, QuorumLog } from "./quorum_log.ts";
export { type CallHandler, type QuorumLogOptions, type QuorumTiming } from "./quorum_options.ts";
export { Roster } from "./roster.ts";
export { SnapshotExchange } from "./snapshot_exchange.ts";
export { Writes } from "./writes.ts";
