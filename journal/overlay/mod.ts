/**
 * Overlays: the complete declared configuration of a vCluster, folded, versioned, compressed; and
 * the deltas of its nodes.
 *
 * @module
 */
export { buildOverlay, isCurrent, isStale, type OverlayBuild, vclusterExists } from "./build.ts";
export { isUnstored, OverlayBuilder, type OverlaySite } from "./builder.ts";
export { CHUNK_BYTES, type CompressedOverlay, OverlayCompressor } from "./compress.ts";
export { liveNodeDeltas, type NodeDelta, nodeDelta } from "./node_delta.ts";
export {
  affectedVCluster,
  afterEvent,
  nextDueMs,
  NO_REBUILDS,
  REBUILD_INTERVAL_MS,
  type RebuildEvent,
  type RebuildSchedule,
  takeDue,
} from "./triggers.ts";
