/**
 * The replicated state: its documents, its commands, and apply, the pure function between them.
 *
 * @module
 */
export {
  type AuditNote,
  type Command,
  type CommandInput,
  type CommandOf,
  CommandSchema,
  type Envelope,
  EnvelopeSchema,
  readEnvelope,
} from "./commands.ts";
export { packEnvelope, unpackEnvelope } from "./packed_envelope.ts";
export {
  type Approval,
  type AuditRecord,
  type ClusterIdentity,
  COLLECTION_NAMES,
  type CollectionName,
  COLLECTIONS,
  type CommandResult,
  compositeKey,
  type ConfigState,
  type Conflict,
  COUNTERS_KEY,
  type Doc,
  type Emergency,
  type Enrollment,
  type EnrollmentState,
  isCollectionName,
  type LockDocument,
  type MemberAddresses,
  type NodeState,
  type Notice,
  numberKey,
  type Overlay,
  type PosixIdentity,
  type QuorumMembership,
  QuorumMembershipSchema,
} from "./documents.ts";
export {
  changedCollections,
  type DocumentChanges,
  type DocumentsView,
  type DocumentTables,
  emptyTables,
  type HistoryView,
  type StateView,
} from "./view.ts";
export { apply, type Outcome } from "./apply.ts";
export { isPlainAppend } from "./plain_append.ts";
export {
  type ApprovalActor,
  type ApprovalEvent,
  type ApprovalFacts,
  type ApprovalStep,
  isSamePerson,
  permitRefusal,
  statusAt,
  stepApproval,
} from "./approval_machine.ts";
export { decideFor, policyIn, vclusterOfScope } from "./decision_policy.ts";
export { type HeldCommand, type HeldRequest, heldText, readHeld } from "./held_request.ts";
export { entryAction, type NodeAction } from "./node_action.ts";
export { countersOf, type Rejection } from "./transaction.ts";
export { instantMs, instantText } from "./instants.ts";
export { isLockOver, lockFacts } from "./locks.ts";
export { isEmergencyOverdue } from "./emergency_sessions.ts";
export { conflictValueText } from "./conflicts.ts";
export { rollbackDelta } from "./rollback.ts";
export { keptUntilMs, MAX_PURGED_RECORDS, retentionOwner } from "./audit_retention.ts";
export { isPurgeDue } from "./purge.ts";
export { emergencyOf, nodeStateOf } from "./node_state.ts";
export { type Declared, declaredAsOf, declaredNow, expiryMs, isTtlExpiry } from "./declared.ts";
export {
  applyMembership,
  foundCluster,
  memberAddresses,
  quorumMembership,
  storedCluster,
} from "./quorum.ts";
export { firstIdOf, identityKey, LOCAL_ORG, uidMapVersion } from "./uid_map.ts";
