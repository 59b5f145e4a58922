import { create } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { stream } from "../../api/mod.ts";
import { PLATFORM_ADMIN } from "../../common/authz/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import { DOMAIN_VCLUSTER } from "../../common/model/mod.ts";
import { metadata } from "../../common/rpc/mod.ts";
import { instantToWire } from "../../common/wire/mod.ts";
import type { Metrics } from "../http/mod.ts";
import {
  type CompressedOverlay,
  isCurrent,
  isUnstored,
  type NodeDelta,
  nodeDelta,
  type OverlayCompressor,
} from "../overlay/mod.ts";
import type { Overlay } from "../state/mod.ts";
import { callerOf, type ServiceContext } from "./context.ts";
import { emergenciesOver } from "./emergencies.ts";
import { vclusterIdFromWire } from "./identifiers.ts";

/** How long a boot stream may wait for its client to read (BOOT-8). */
const STALL_LIMIT_MS = 30_000;
/** How often a boot stream tries to get an overlay that contains the newest change. */
const CATCH_UP_ROUNDS = 3;

/** What boot streams need beside the common context. */
export interface BootOptions {
  /** Compresses an overlay once per version, for all streams (BOOT-10). */
  readonly compressor: OverlayCompressor;
  readonly maxStreams: number;
  readonly metrics: Metrics;
  /** For the advice when to retry, in [0, 1). */
  readonly random: () => number;
}

/** The overlay of a vCluster, the node's own delta, and the end (BOOT-1). */
export async function* bootStream(
  context: ServiceContext,
  options: BootOptions,
  request: stream.BootConfigRequest,
  call: HandlerContext,
): AsyncGenerator<stream.ConfigChunk> {
  requireBootAccess(context, request, call);
  const end = options.metrics.bootStreamOpened(options.maxStreams);
  if (end === undefined) throw tooManyStreams(options);
  try {
    const content = await bootContent(context, options, request);
    if (content.isStale) call.responseTrailer.set(metadata.overlayStale, "true");
    yield* whileTaken(content.chunks(), context.clock, end);
  } finally {
    end();
  }
}

/** Passes chunks on; a client that takes none for a while loses its place (BOOT-8). */
async function* whileTaken(
  chunks: Iterable<stream.ConfigChunk>,
  clock: Clock,
  giveUp: () => void,
): AsyncGenerator<stream.ConfigChunk> {
  for (const each of chunks) {
    let isStalled = false;
    const timer = clock.setTimer(STALL_LIMIT_MS, () => {
      isStalled = true;
      giveUp();
    });
    try {
      yield each;
    } finally {
      clock.clearTimer(timer);
    }
    if (isStalled) {
      throw new PactError("DEADLINE", `DEADLINE: nothing was read for ${STALL_LIMIT_MS} ms`);
    }
  }
}

/** All that one boot stream sends, as of one moment of the state. */
interface BootContent {
  /** Whether the overlay could not be rebuilt and the last good one is sent (OVL-11). */
  readonly isStale: boolean;
  chunks(): Iterable<stream.ConfigChunk>;
}

async function bootContent(
  { replica, gatekeeper, clock }: ServiceContext,
  { compressor }: BootOptions,
  request: stream.BootConfigRequest,
): Promise<BootContent> {
  const vclusterId = vclusterIdFromWire(request.vclusterId || DOMAIN_VCLUSTER);
  let overlay = await replica.overlay(vclusterId);
  // What was applied between the build and now would be missing here and from the subscription that
  // continues; a few rounds catch up with writers, and if not, the stream starts where it was built.
  for (let round = 0; round < CATCH_UP_ROUNDS && !isCurrent(replica.state, overlay); round++) {
    overlay = await replica.overlay(vclusterId);
  }
  const stale = !isCurrent(replica.state, overlay);
  // A version that only this member gave is not one to be known by: the next boot gets the overlay
  // that was stored under it.
  const knownAs = isUnstored(overlay)
    ? replica.state.get("overlays", vclusterId)?.version ?? 0
    : overlay.version;
  const nextSequence = stale ? overlay.built_from_sequence + 1 : replica.appliedSequence + 1;
  const emergencies = emergenciesOver(replica.state, request.nodeId, clock.nowMs());
  const delta = nodeDelta(replica.state, request.nodeId, clock.nowMs());
  const timestamp = instantToWire(new Date(clock.nowMs()).toISOString());
  const isKnown = request.lastKnownVersion !== undefined &&
    request.lastKnownVersion >= BigInt(overlay.version) && !isUnstored(overlay);
  return {
    isStale: stale,
    *chunks() {
      if (!isKnown) yield* overlayChunks(overlay, compressor);
      if (delta !== undefined) yield deltaChunk(request.nodeId, delta);
      yield chunk({
        case: "complete",
        value: create(stream.ConfigCompleteSchema, {
          baseVersion: BigInt(knownAs),
          nodeVersion: BigInt(delta?.version ?? 0),
          timestamp,
          nextSequence: BigInt(nextSequence),
          rulesApply: gatekeeper.hasEngine,
          emergencies,
        }),
      });
    },
  };
}

/** The messages of an overlay: the same ones for all who boot it, so that each is encoded once. */
const shared = new WeakMap<CompressedOverlay, readonly stream.ConfigChunk[]>();

function overlayChunks(
  overlay: Overlay,
  compressor: OverlayCompressor,
): readonly stream.ConfigChunk[] {
  const compressed = compressor.compress(overlay);
  const known = shared.get(compressed);
  if (known !== undefined) return known;
  const { chunks: parts, version, vclusterId, checksum } = compressed;
  const chunks = parts.map((data, chunkIndex) =>
    chunk({
      case: "baseOverlay",
      value: create(stream.OverlayChunkSchema, {
        version: BigInt(version),
        vclusterId,
        data,
        chunkIndex,
        totalChunks: parts.length,
        checksum,
      }),
    })
  );
  shared.set(compressed, chunks);
  return chunks;
}

function deltaChunk(nodeId: string, { version, data, checksum }: NodeDelta): stream.ConfigChunk {
  return chunk({
    case: "nodeDelta",
    value: create(stream.NodeDeltaSchema, {
      nodeId,
      version: BigInt(version),
      data: new TextEncoder().encode(data),
      checksum,
    }),
  });
}

function chunk(content: stream.ConfigChunk["chunk"]): stream.ConfigChunk {
  return create(stream.ConfigChunkSchema, { chunk: content });
}

/** A node boots as itself, into the vCluster it is assigned to (BOOT-6). */
function requireBootAccess(
  { gatekeeper }: ServiceContext,
  request: stream.BootConfigRequest,
  call: HandlerContext,
): void {
  const { principal } = callerOf(call);
  if (principal.nodeId === undefined) {
    if (principal.roles.includes(PLATFORM_ADMIN)) return;
    throw new PactError("PERMISSION_DENIED", `boot streams are for nodes and ${PLATFORM_ADMIN}`);
  }
  if (principal.nodeId !== request.nodeId) {
    throw new PactError("PERMISSION_DENIED", `this certificate is of node ${principal.nodeId}`);
  }
  requireAssignment(gatekeeper.vclusterOf({ Node: request.nodeId }), request);
}

function requireAssignment(
  assigned: string | undefined,
  { nodeId, vclusterId }: { readonly nodeId: string; readonly vclusterId: string },
): void {
  if (
    (assigned ?? "") === vclusterId || (assigned === undefined && vclusterId === DOMAIN_VCLUSTER)
  ) {
    return;
  }
  throw new PactError(
    "PERMISSION_DENIED",
    `node ${nodeId} is not assigned to ${vclusterId || "none"}`,
  );
}

function tooManyStreams({ random }: BootOptions): PactError {
  const retryAfterMs = 200 + Math.floor(random() * 1800);
  return new PactError("BOOT_STREAMS_EXHAUSTED", "BOOT_STREAMS_EXHAUSTED: try another journal", {
    trailers: { "retry-after-ms": String(retryAfterMs) },
  });
}
