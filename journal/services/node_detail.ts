import { create, fromJsonString } from "@bufbuild/protobuf";
import { capability, config, journal } from "../../api/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import type { StateDelta } from "../../common/model/mod.ts";
import { deltaToWire, instantToWire, present } from "../../common/wire/mod.ts";
import { nodeStateOf } from "../state/mod.ts";
import type { ServiceContext } from "./context.ts";

/** Whether any part of the state knows the node. */
export function isKnownNode({ replica }: ServiceContext, nodeId: string): boolean {
  return replica.state.get("enrollments", nodeId) !== undefined ||
    replica.state.get("node_states", nodeId) !== undefined ||
    replica.state.get("node_assignments", nodeId) !== undefined;
}

/** @throws {PactError} NOT_FOUND `node ID not found` (JRN-28). */
export function requireKnownNode(context: ServiceContext, nodeId: string): void {
  if (!isKnownNode(context, nodeId)) throw new PactError("NOT_FOUND", `node ${nodeId} not found`);
}

/** Ids of all known nodes, in order. */
export function knownNodes({ replica }: ServiceContext): string[] {
  const ids = new Set<string>();
  for (const collection of ["enrollments", "node_states", "node_assignments"] as const) {
    for (const [nodeId] of replica.state.list(collection)) ids.add(nodeId);
  }
  return [...ids].sort();
}

/** What the journal knows of a node; one without a state reads as ObserveOnly (JRN-28). */
export function nodeDetail(context: ServiceContext, nodeId: string): journal.NodeStateDetail {
  const { state } = context.replica;
  const enrollment = state.get("enrollments", nodeId);
  const known = nodeStateOf(state, nodeId);
  return create(journal.NodeStateDetailSchema, {
    nodeId,
    vclusterId: state.get("node_assignments", nodeId)?.vcluster_id ?? "",
    configState: known?.state ?? "ObserveOnly",
    ...present("drift", known?.drift && create(config.DriftMagnitudeSchema, known.drift)),
    ...present("driftItems", known?.drift_items && driftVector(known.drift_items)),
    ...present(
      "supervisor",
      known?.supervisor &&
        fromJsonString(capability.SupervisorStatusSchema, JSON.stringify(known.supervisor)),
    ),
    ...present("windowDeadline", optionalInstant(known?.window_deadline)),
    ...present("lastSeen", optionalInstant(lastSeenOf(context, nodeId))),
    emergencySession: known?.emergency_session ?? "",
    overlayVersion: BigInt(known?.overlay_version ?? 0),
    appliedSequence: BigInt(known?.applied_sequence ?? 0),
    memoryTotal: BigInt(known?.memory_total ?? 0),
    memoryAvailable: BigInt(known?.memory_available ?? 0),
    gpusTotal: known?.gpus_total ?? 0,
    gpusHealthy: known?.gpus_healthy ?? 0,
    gpusDegraded: known?.gpus_degraded ?? 0,
    enrollmentState: enrollment?.state ?? "",
    live: context.liveness.isLive(nodeId),
    activeSessions: enrollment?.active_sessions ?? 0,
    unavailable: [...known?.unavailable ?? []],
  });
}

/** When a node was last heard of: here, or as the log has it, whichever is later (HB-1). */
export function lastSeenOf(
  { replica, liveness }: ServiceContext,
  nodeId: string,
): string | undefined {
  const recorded = replica.state.get("enrollments", nodeId)?.last_seen;
  const seenMs = liveness.lastSeenMs(nodeId);
  if (seenMs === undefined || (recorded !== undefined && Date.parse(recorded) >= seenMs)) {
    return recorded;
  }
  return new Date(seenMs).toISOString();
}

/** The drift vector carries the same items as a delta, without settings, which never drift. */
function driftVector(items: StateDelta): config.DriftVector {
  const { $typeName: _type, $unknown: _unknown, settings: _none, ...lists } = deltaToWire(items);
  return create(config.DriftVectorSchema, lists);
}

function optionalInstant(instant: string | undefined) {
  return instant === undefined ? undefined : instantToWire(instant);
}
