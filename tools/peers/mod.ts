/** Programs of others that tests and tasks run for real, each built from a Go module by exact version. */
export { buildPeer, type BuiltPeer, PeerBuildError } from "./build_peer.ts";
export { isPeer, type Peer, peerFolder, PEERS } from "./peers.ts";
