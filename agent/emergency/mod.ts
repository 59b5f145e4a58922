/**
 * What an open emergency allows on this node: the sessions that cover it, and the override of the rule
 * that workload.slice is the workload manager's (CG-5, ISO-8).
 *
 * @module
 */
export { checkLocalEnd, checkLocalStart, openedBy } from "./local_change.ts";
export { type EmergencySession, EmergencySessions, type SessionStore } from "./sessions.ts";
export {
  type OverrideRequest,
  type WorkloadOperation,
  WorkloadOverride,
  type WorkloadOverrideOptions,
} from "./workload_override.ts";
