/**
 * One member's copy of the replicated state: commands in, committed changes out, local reads.
 *
 * @module
 */
export type { QuorumSettings } from "./quorum_settings.ts";
export { type HousekeepingTask, openReplica, type ReplicaOptions } from "./replica.ts";
export { redactNote } from "./redaction.ts";
export { isOfCluster } from "./state_file.ts";
export {
  type AppliedRecord,
  applyRecords,
  encodeEnvelope,
  type RecordStore,
} from "./state_machine.ts";
export type { Applied, Replica, ReplicaStatus, SubmitOptions, WaitSignal } from "./types.ts";
