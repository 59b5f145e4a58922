import type { Message, MessageType, NodeId } from "../raft/mod.ts";

/** Where a member is reached. Both as `host:port`. */
export interface MemberAddress {
  readonly id: NodeId;
  readonly raft: string;
  readonly api: string;
  /** The data directory that it takes part with, where that is known. */
  readonly directoryId?: string;
}

/** A snapshot as a file that may be sent; immutable while it is being sent. */
export interface SnapshotFile {
  readonly path: string;
  readonly bytes: number;
  /** Lower-case hex of the whole file. */
  readonly sha256: string;
}

/**
 * The way to the other members. Sending never blocks and never throws: what cannot be sent is
 * dropped and reported, a slow or dead peer costs the others nothing.
 */
export interface PeerNetwork {
  /** Whom to keep connections to, without this member itself. */
  setMembers(members: readonly MemberAddress[]): void;
  /** In order per peer, behind a bounded queue; what is dropped is told by `onUnreachable`. */
  send(to: NodeId, messages: readonly Message[]): void;
  /**
   * Sends the file, then `message` (of type Snap), which makes the receiver take it into use.
   * Exactly one `onSnapshotReported` follows.
   */
  sendSnapshot(to: NodeId, message: Message, file: SnapshotFile): void;
  /** Hands a call to that member and resolves with its answer; see {@link PeerHandler.onCall}. */
  call(to: NodeId, kind: PeerCallKind, data: Uint8Array, signal: AbortSignal): Promise<Uint8Array>;
  /** Peers whose connection is up in both directions. */
  connected(): ReadonlySet<NodeId>;
  /** Of those, the data directories they say they have; undefined for one that says none. */
  directories(): ReadonlyMap<NodeId, string | undefined>;
  /** The newest form of records that one of those says it reads; undefined for any other peer. */
  recordFormatOf(peer: NodeId): number | undefined;
  close(): Promise<void>;
}

/** With which data directories members take part, where the log is theirs to keep. */
export interface PeerDirectories {
  /** What a peer is that says that this is its directory. */
  judge(peer: NodeId, said: string | undefined): DirectoryVerdict;
  /** Whether a message of a peer that stands so is taken. */
  isTaken(verdict: DirectoryVerdict, type: MessageType): boolean;
}

/**
 * What a peer is by its data directory: it takes part with it; nothing is known of that yet; it
 * takes part with another one, so that this one must not be listened to.
 */
export type DirectoryVerdict = "counts" | "unrecorded" | "other";

/** The calls between members besides Raft's own messages (api.md section 9). */
export type PeerCallKind = "ForwardWrite" | "ReadIndex" | "LivenessBatch" | "FindNode";

/** What a member does with what its peers send. Calls come in the order of the peer's sending. */
export interface PeerHandler {
  onMessages(from: NodeId, messages: readonly Message[]): void;
  /** Something sent to `peer` was dropped: its connection broke, or its queue was full. */
  onUnreachable(peer: NodeId): void;
  /**
   * Another process with this member's id was there first, and `peer` has refused this one: it must
   * end. `text` begins with `DUPLICATE_NODE_ID:`.
   */
  onDuplicate(peer: NodeId, text: string): void;
  /**
   * The quorum knows this member by another data directory, and `peer` has refused this one: it must
   * not take part.
   */
  onDisplaced?(peer: NodeId, text: string): void;
  onSnapshotReported(peer: NodeId, isDelivered: boolean): void;
  /** Where a snapshot that comes in is kept: a path in the snapshot directory. */
  incomingSnapshotPath(sha256: string): string;
  /** The whole file is at `path`, synced and checked; `message` is the Snap that names it. */
  onSnapshot(from: NodeId, message: Message, file: SnapshotFile): void;
  onCall(
    from: NodeId,
    kind: PeerCallKind,
    data: Uint8Array,
    signal: AbortSignal,
  ): Promise<Uint8Array>;
}
