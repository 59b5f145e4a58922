/**
 * One member of the quorum as pure machines: the Raft core joined with the log it reads, the writes
 * of its clients on their way, and their linearizable reads. The process's shell and the simulator
 * drive the same code.
 *
 * @module
 */
export { LinearReads, type ReadEffect, READS_MAX_WAITING } from "./linear_reads.ts";
export {
  LogWindow,
  type LogWindowOptions,
  type PlacedEntry,
  type RecoveredLog,
} from "./log_window.ts";
export {
  type ApplyWork,
  type DiskWork,
  type Leadership,
  Member,
  type MemberOptions,
  type MemberWork,
} from "./member.ts";
export {
  SUBMISSION_LIMITS,
  type SubmissionEffect,
  type SubmissionLimits,
  Submissions,
} from "./submissions.ts";
