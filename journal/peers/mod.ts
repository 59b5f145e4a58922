/**
 * How the members of a quorum speak with each other: who is let in, Raft's messages in order and
 * without waiting for the slow, snapshots in pieces, and calls.
 *
 * @module
 */
export { CodecError, decodeMessages, encodeMessages, type Ends } from "./codec.ts";
export { FRAME, type Frame, FRAME_PROTOCOL, framed, FrameReader } from "./frames.ts";
export type { RefusalReason } from "./gate.ts";
export {
  judgeMeeting,
  type MeetingOptions,
  type MeetingOutcome,
  meetMajority,
} from "./meet_majority.ts";
export type {
  DirectoryVerdict,
  MemberAddress,
  PeerCallKind,
  PeerDirectories,
  PeerHandler,
  PeerNetwork,
  SnapshotFile,
} from "./network.ts";
export { Outbox, type OutboxLimits } from "./outbox.ts";
export type { PeerTls } from "./peer_link.ts";
export { type OpenPeerNetwork, openPeerNetwork, type PeerNetworkOptions } from "./peer_network.ts";
