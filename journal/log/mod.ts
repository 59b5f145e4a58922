/**
 * The journal's replicated log as everything above sees it, and the head of what it carries.
 *
 * @module
 */
export type {
  CommittedBatch,
  LogEngine,
  LogPosition,
  LogRecord,
  LogRole,
  LogStatus,
  MembershipRecord,
  ReplicatedLog,
} from "./replicated_log.ts";
export { FORMATS, NEWEST_FORMAT, readStamp, stamped, unstamped } from "./stamp.ts";
