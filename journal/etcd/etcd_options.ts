import type { Clock } from "../../common/clock/mod.ts";
import type { MemberAddress, PeerHandler, PeerNetwork } from "../peers/mod.ts";
import type { Membership, NodeId } from "../raft/mod.ts";
import type { SnapshotStore } from "../snapshots/mod.ts";
import type { EtcdConnection } from "./connect_etcd.ts";

/** What a journal's log in etcd is made of. */
export interface EtcdLogOptions {
  readonly id: NodeId;
  /** Closed with the log. */
  readonly connection: EtcdConnection;
  readonly snapshots: SnapshotStore;
  /** Of the state machine, as it was recovered. */
  readonly applied: { readonly index: number; readonly membership: Membership };
  readonly clock: Clock;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  /** Opens the way to the other journals; absent for one that is alone for ever. */
  readonly openNetwork?: (handler: PeerHandler) => Promise<PeerNetwork>;
  /** Whom to reach before the state knows any member. */
  readonly configured?: readonly MemberAddress[];
  /** This journal tries to take the lead. */
  readonly onCampaign?: () => void;
  /** Another journal needs a snapshot, and there is none that serves. */
  readonly onSnapshotWanted?: () => void;
  /** Another process has this member's id; this one must end. */
  readonly onDuplicate?: (reason: string) => void;
}
