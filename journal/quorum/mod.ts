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
export { openQuorumLog, QuorumLog } from "./quorum_log.ts";
export { type CallHandler, type QuorumLogOptions, type QuorumTiming } from "./quorum_options.ts";
