/**
 * The journal's durable log: one interface, and the implementation for a journal with one member.
 *
 * @module
 */
export type {
  CommittedBatch,
  LogPosition,
  LogRecord,
  LogStatus,
  ReplicatedLog,
} from "./replicated_log.ts";
export {
  openSingleMemberLog,
  PROPOSAL_MAX_BYTES,
  type SingleMemberLogOptions,
} from "./single_member_log.ts";
