import type { Clock } from "../../common/clock/mod.ts";
import type { Disk } from "../disk/mod.ts";
import type { MemberAddress, PeerDirectories, PeerHandler, PeerNetwork } from "../peers/mod.ts";
import type { Membership, NodeId, RaftEvent } from "../raft/mod.ts";
import type { SnapshotStore } from "../snapshots/mod.ts";
import type { DurableLog } from "../wal/mod.ts";

/** How often the machine is driven, and what follows from it (JRN-51). */
export interface QuorumTiming {
  readonly tickMs: number;
  readonly heartbeatTicks: number;
  /** A follower campaigns after one to two times as many ticks without a leader. */
  readonly electionTicks: number;
}

/** Heartbeats every 500 ms, elections after 1500 to 3000 ms (JRN-51). */
export const QUORUM_TIMING: QuorumTiming = { tickMs: 100, heartbeatTicks: 5, electionTicks: 15 };

/** What a member of the quorum is made of. */
export interface QuorumLogOptions {
  readonly id: NodeId;
  readonly wal: DurableLog;
  /** The same files, for reading back what has left memory. */
  readonly logFiles: Disk;
  readonly snapshots: SnapshotStore;
  /** Of the state machine, as it was recovered. */
  readonly applied: { readonly index: number; readonly membership: Membership };
  readonly timing?: QuorumTiming;
  readonly clock: Clock;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  /** Opens the way to the peers; absent for a member that is alone for ever. */
  readonly openNetwork?: (
    handler: PeerHandler,
    directories: PeerDirectories,
  ) => Promise<PeerNetwork>;
  /** Of this member's data directory. */
  readonly directoryId: string;
  /** Whom to reach before the state knows any member. */
  readonly configured?: readonly MemberAddress[];
  readonly onEvent?: (event: RaftEvent) => void;
  /** A member needs a snapshot, and there is none that serves. */
  readonly onSnapshotWanted?: () => void;
  /** Another process has this member's id; this one must end. */
  readonly onDuplicate?: (reason: string) => void;
}

/** What other members may ask of this one besides Raft's own messages. */
export type CallHandler = (
  from: NodeId,
  data: Uint8Array,
  signal: AbortSignal,
) => Promise<Uint8Array>;
