import { create } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { stream } from "../../api/mod.ts";
import { PLATFORM_ADMIN } from "../../common/authz/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import { canonicalBytes } from "../../common/json/mod.ts";
import { DOMAIN_VCLUSTER, type Entry } from "../../common/model/mod.ts";
import { counterFromWire, instantToWire } from "../../common/wire/mod.ts";
import { nodeDelta, type OverlayCompressor } from "../overlay/mod.ts";
import type { Metrics } from "../http/mod.ts";
import { type Delivery, follow, type Interest } from "../streams/mod.ts";
import { callerOf, type ServiceContext } from "./context.ts";

/** What boot streams need beside the common context. */
export interface BootOptions {
  /** Compresses an overlay once per version, for all streams (BOOT-10). */
  readonly compressor: OverlayCompressor;
  readonly maxStreams: number;
  readonly metrics: Metrics;
  /** For the advice when to retry, in [0, 1). */
  readonly random: () => number;
}

/** Boot configuration and updates of it (api.md section 5). */
export function bootConfigService(
  context: ServiceContext,
  options: BootOptions,
): ServiceImpl<typeof stream.BootConfigService> {
  return {
    streamBootConfig: (request, call) => bootStream(context, options, request, call),
    subscribeConfigUpdates: (request, call) => subscription(context, options, request, call),
  };
}

async function* bootStream(
  context: ServiceContext,
  options: BootOptions,
  request: stream.BootConfigRequest,
  call: HandlerContext,
): AsyncGenerator<stream.ConfigChunk> {
  requireBootAccess(context, request, call);
  const end = options.metrics.bootStreamOpened(options.maxStreams);
  if (end === undefined) throw tooManyStreams(options);
  try {
    if (request.nodeId !== "") context.liveness.seen(request.nodeId);
    yield* bootChunks(context, options, request);
  } finally {
    end();
  }
}

/** Overlay, then the node's own delta, then completion (BOOT-1). */
async function* bootChunks(
  { replica, clock }: ServiceContext,
  { compressor }: BootOptions,
  request: stream.BootConfigRequest,
): AsyncGenerator<stream.ConfigChunk> {
  const vclusterId = request.vclusterId === "" ? DOMAIN_VCLUSTER : request.vclusterId;
  const overlay = await replica.overlay(vclusterId);
  // Taken before the delta is read: what is applied later reaches the node by its subscription.
  const nextSequence = replica.appliedSequence + 1;
  const knownVersion = request.lastKnownVersion;
  if (knownVersion === undefined || knownVersion < BigInt(overlay.version)) {
    const { chunks: parts } = compressor.compress(overlay);
    for (const [chunkIndex, data] of parts.entries()) {
      yield chunk({
        case: "baseOverlay",
        value: create(stream.OverlayChunkSchema, {
          version: BigInt(overlay.version),
          vclusterId,
          data,
          chunkIndex,
          totalChunks: parts.length,
          checksum: overlay.checksum,
        }),
      });
    }
  }
  const delta = nodeDelta(replica.state, request.nodeId, clock.nowMs());
  if (delta !== undefined) {
    const { checksum } = delta;
    yield chunk({
      case: "nodeDelta",
      value: create(stream.NodeDeltaSchema, {
        nodeId: request.nodeId,
        version: BigInt(delta.version),
        data: new TextEncoder().encode(delta.data),
        checksum,
      }),
    });
  }
  yield chunk({
    case: "complete",
    value: create(stream.ConfigCompleteSchema, {
      baseVersion: BigInt(overlay.version),
      nodeVersion: BigInt(delta?.version ?? 0),
      timestamp: instantToWire(new Date(clock.nowMs()).toISOString()),
      nextSequence: BigInt(nextSequence),
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

async function* subscription(
  context: ServiceContext,
  { metrics }: BootOptions,
  request: stream.SubscribeRequest,
  call: HandlerContext,
): AsyncGenerator<stream.ConfigUpdate> {
  const interest = await interestOf(context, request, call);
  const closed = interest.nodeId === undefined
    ? () => {}
    : context.liveness.opened(interest.nodeId);
  const end = metrics.subscriptionOpened();
  try {
    const from = counterFromWire(request.fromSequence);
    for await (const delivery of follow(context, interest, from, call.signal)) {
      yield update(context, delivery);
    }
  } finally {
    end();
    closed();
  }
}

/** What the caller may hear of (API-50). */
async function interestOf(
  { gatekeeper }: ServiceContext,
  request: stream.SubscribeRequest,
  call: HandlerContext,
): Promise<Interest> {
  const caller = callerOf(call);
  const { nodeId, vclusterId } = request;
  const vcluster = vclusterId === "" ? {} : { vclusterId };
  if (caller.principal.nodeId !== undefined) {
    if (caller.principal.nodeId !== nodeId) {
      throw new PactError(
        "PERMISSION_DENIED",
        `this certificate is of node ${caller.principal.nodeId}`,
      );
    }
    requireAssignment(gatekeeper.vclusterOf({ Node: nodeId }), request);
    return { nodeId, ...vcluster, withMemberNodes: false, everything: false };
  }
  if (vclusterId === "" && nodeId === "") {
    if (!caller.principal.roles.includes(PLATFORM_ADMIN)) {
      throw new PactError("PERMISSION_DENIED", `watching every vCluster needs ${PLATFORM_ADMIN}`);
    }
    return { withMemberNodes: true, everything: true };
  }
  await gatekeeper.require({
    caller,
    action: "watch",
    scope: vclusterId === "" ? { Node: nodeId } : { VCluster: vclusterId },
  });
  const node = nodeId === "" ? {} : { nodeId };
  return { ...node, ...vcluster, withMemberNodes: nodeId === "", everything: false };
}

function update({ replica, gatekeeper }: ServiceContext, delivery: Delivery): stream.ConfigUpdate {
  if (delivery.kind === "progress") {
    return create(stream.ConfigUpdateSchema, { sequence: BigInt(Math.max(delivery.sequence, 0)) });
  }
  const { entry, kind } = delivery;
  const payload = (): Uint8Array => {
    switch (kind) {
      case "policyChange":
        return canonicalBytes(gatekeeper.policyOf(vclusterOf(entry)));
      case "blacklistChange":
        return canonicalBytes(replica.state.get("blacklists", vclusterOf(entry))?.patterns ?? []);
      default:
        return canonicalBytes(entry);
    }
  };
  return create(stream.ConfigUpdateSchema, {
    sequence: BigInt(entry.sequence),
    timestamp: instantToWire(entry.timestamp),
    update: { case: kind, value: payload() },
  });
}

function vclusterOf({ scope }: Entry): string {
  return scope !== "Global" && "VCluster" in scope ? scope.VCluster : "";
}
