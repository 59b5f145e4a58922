/**
 * The Raft consensus core: a pure machine for one member of a cluster, in which messages and ticks
 * go in and Readys come out. See RaftNode and Ready.
 *
 * @module
 */
export {
  EMPTY_CONTENT,
  type Entry,
  entryBytes,
  type EntryContent,
  type EntryId,
  type Index,
  limitEntries,
  payloadBytes,
  type Term,
} from "./entry.ts";
export { RaftError, type RaftErrorCode, type RaftInvariant, RaftInvariantError } from "./errors.ts";
export type { ChangeRefusedReason, RaftEvent } from "./events.ts";
export { type Address, isStorageThread, NO_NODE, type NodeId, type StorageThread } from "./ids.ts";
export {
  applyChange,
  type ChangeKind,
  changeSimply,
  type Configuration,
  EMPTY_CONFIGURATION,
  EMPTY_MEMBERSHIP,
  enterJoint,
  isJoint,
  isVoter,
  LEAVE_JOINT,
  leaveJoint,
  type Membership,
  type MembershipChange,
  MembershipError,
  membershipOf,
  type Reconfiguration,
  restoreConfiguration,
  type SingleChange,
  type Transition,
} from "./membership/mod.ts";
export { isLocalType, type Message, message, MESSAGE_TYPES, type MessageType } from "./messages.ts";
export type { RaftOptions, ReadMode } from "./options.ts";
export {
  type InflightLimits,
  type ProgressState,
  type ProgressView,
  Tracker,
} from "./progress/mod.ts";
export {
  jointCommitted,
  jointVote,
  type JointVoters,
  majorityCommitted,
  majorityVote,
  type VoteResult,
} from "./quorum/mod.ts";
export { RaftNode, type RaftStatus } from "./raft_node.ts";
export type { Role, SoftState } from "./raft_state.ts";
export type { ReadState } from "./reads.ts";
export type { Ready } from "./ready.ts";
export { EMPTY_SNAPSHOT, type Snapshot } from "./snapshot.ts";
export { EMPTY_HARD_STATE, type HardState, isEmptyHardState, type LogStorage } from "./storage.ts";
