/**
 * The log of one member: durable entries, those on their way there, commit and apply.
 *
 * @module
 */
export { RaftLog } from "./raft_log.ts";
