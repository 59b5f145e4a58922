/**
 * One member's copy of the replicated state: commands in, committed changes out, local reads.
 *
 * @module
 */
export { openReplica, type ReplicaOptions } from "./replica.ts";
export type { Applied, Replica, ReplicaStatus, SubmitOptions } from "./types.ts";
