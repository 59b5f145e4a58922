import type { LogStatus, ReplicatedLog } from "../log/mod.ts";
import type { MemberAddress, PeerCallKind } from "../peers/mod.ts";
import type { Index, Membership, MembershipChange, NodeId } from "../raft/mod.ts";
import type { KeptSnapshot } from "../snapshots/mod.ts";
import type { CallHandler } from "./quorum_options.ts";

/**
 * The log as one of the members that follow it has it, whatever engine agrees on its order: besides
 * the log itself who else there is, who leads, and the way to the others.
 */
export interface MemberLog extends ReplicatedLog {
  readonly id: NodeId;
  /** The applied membership. */
  readonly membership: Membership;
  /** Whether this member leads, as far as it knows. */
  readonly isLeader: boolean;
  /** Whether there is no other member. */
  readonly isAlone: boolean;
  /** The newest form of records that every member is known to read. */
  readonly recordFormat: number;
  /** Up to where the members' logs are known to agree with the leader's; empty unless leader. */
  matchIndexes(): ReadonlyMap<NodeId, Index>;
  /** Peers whose connection is up. */
  connected(): ReadonlySet<NodeId>;
  /** Where members are found, this one included. */
  addresses(): ReadonlyMap<NodeId, MemberAddress>;
  /** The state, which contains everything up to `index`, says where members are; empty for none. */
  setAddresses(addresses: readonly MemberAddress[], index: bigint): void;
  /** The newest snapshot of the state: what members get that lack older entries. */
  offerSnapshot(snapshot: KeptSnapshot): void;
  /** Answers calls of peers. */
  handleCalls(kind: PeerCallKind, handler: CallHandler): void;
  /** Calls the leader; NO_LEADER when there is none or it is this member. */
  callLeader(kind: PeerCallKind, data: Uint8Array, signal: AbortSignal): Promise<Uint8Array>;
  /** Calls that member; UNAVAILABLE or NO_LEADER where there is no way to it. */
  callMember(
    to: NodeId,
    kind: PeerCallKind,
    data: Uint8Array,
    signal: AbortSignal,
  ): Promise<Uint8Array>;
  /** Proposes a change of the membership; whether and when it takes effect shows in the log. */
  proposeMembershipChange(change: MembershipChange): boolean;
  /** Hands leadership to `target`; best effort. */
  transferLeadership(target: NodeId): void;
  /** Calls `listener` after each change of role, leader or term; the returned function ends it. */
  onLeadership(listener: (status: LogStatus) => void): () => void;
}
