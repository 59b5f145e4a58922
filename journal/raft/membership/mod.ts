/**
 * Who belongs to the cluster, and how that changes.
 *
 * @module
 */
export {
  applyChange,
  type ChangeRefusal,
  changeSimply,
  enterJoint,
  leaveJoint,
  MembershipError,
  type Reconfiguration,
  restoreConfiguration,
} from "./arithmetic.ts";
export {
  changeBytes,
  type ChangeEffect,
  type ChangeKind,
  effectOf,
  LEAVE_JOINT,
  type MembershipChange,
  type SingleChange,
  type Transition,
} from "./change.ts";
export {
  assertConfiguration,
  type Configuration,
  EMPTY_CONFIGURATION,
  EMPTY_MEMBERSHIP,
  isJoint,
  isVoter,
  memberIds,
  type Membership,
  membershipOf,
  voterIds,
} from "./configuration.ts";
