import type { MemberAddress, PeerDirectories, PeerHandler, PeerNetwork } from "../peers/mod.ts";
import type { EtcdSettings } from "../etcd/mod.ts";
import { EMPTY_MEMBERSHIP, type Membership, type NodeId, type RaftEvent } from "../raft/mod.ts";
import type { QuorumTiming } from "../quorum/mod.ts";
import { type DocumentsView, memberAddresses, quorumMembership } from "../state/mod.ts";

/** This member's data directory, and what it knows of the others'. */
export interface OwnDirectory {
  readonly id: string;
  readonly others: PeerDirectories;
}

/** How a replica takes part in its quorum. */
export interface QuorumSettings {
  readonly id: number;
  /** Founds the group with these members when nothing is stored yet (JRN-55). */
  readonly founding?: readonly MemberAddress[];
  /**
   * Asks the founding members for their data directories; resolves with those of a majority, this
   * member's own among them.
   *
   * @throws {ConfigError} when one of them belongs to a cluster already
   */
  readonly meetFounding?: (own: string) => Promise<ReadonlyMap<NodeId, string>>;
  /** Whom to reach before the state knows any member. */
  readonly configured?: readonly MemberAddress[];
  /** Opens the way to the peers; `clusterId` says which cluster the state belongs to. */
  readonly openNetwork?: (
    handler: PeerHandler,
    clusterId: () => string | undefined,
    own?: OwnDirectory,
  ) => Promise<PeerNetwork>;
  /** Keeps the log in a site's etcd, rather than among the members. */
  readonly etcd?: EtcdSettings;
  readonly timing?: QuorumTiming;
  /** Records after which a snapshot is due. */
  readonly snapshotInterval?: number;
  /** Default: `snapshots` in the data directory. */
  readonly snapshotDir?: string;
  readonly onEvent?: (event: RaftEvent) => void;
  readonly onDuplicate?: (reason: string) => void;
}

/** A group of one, which reaches nobody. */
export const ALONE: QuorumSettings = {
  id: 1,
  founding: [{ id: 1, raft: "localhost:9444", api: "localhost:9443" }],
};

/** The membership as the state has it; empty before the first. */
export function membershipOf(view: DocumentsView): Membership {
  const stored = quorumMembership(view);
  if (stored === undefined) return EMPTY_MEMBERSHIP;
  const { voters, voters_outgoing, learners, learners_next, auto_leave } = stored;
  return {
    voters,
    votersOutgoing: voters_outgoing,
    learners,
    learnersNext: learners_next,
    autoLeave: auto_leave,
  };
}

/** Where members are, as the state has it; undefined while it knows none. */
export function addressesOf(view: DocumentsView): readonly MemberAddress[] | undefined {
  const known = [...memberAddresses(view)];
  if (known.length === 0) return undefined;
  return known.map(([id, { raft_address: raft, api_address: api, directory_id: directoryId }]) => ({
    ...{ id, raft, api },
    ...directoryId !== undefined && { directoryId },
  }));
}
