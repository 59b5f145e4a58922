import { create } from "@bufbuild/protobuf";
import { enrollment } from "../../api/mod.ts";
import { parseRole } from "../../common/authz/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import type { Caller } from "../access/mod.ts";
import type { Enrollment } from "../state/mod.ts";
import type { ServiceContext } from "./context.ts";
import { lastSeenOf } from "./node_detail.ts";

const STATES = ["Registered", "Active", "Inactive", "Revoked"] as const;

/** Enrollment records the caller may see, by node id (ENR-50, API-61). */
export async function listNodes(
  context: ServiceContext,
  caller: Caller,
  request: enrollment.ListNodesRequest,
): Promise<enrollment.ListNodesResponse> {
  const isReadable = await context.gatekeeper.readable(caller, "status");
  const state = stateFilter(request.stateFilter);
  // Operators pick nodes for their vCluster from those that belong to none (ENR-50).
  const seesUnassigned = request.unassignedOnly &&
    caller.principal.roles.some((role) => parseRole(role).kind === "ops");
  const matches: Enrollment[] = [];
  for (const [nodeId, record] of context.replica.state.list("enrollments")) {
    if (nodeId <= request.pageToken) continue;
    if (state !== undefined && record.state !== state) continue;
    if (request.vclusterFilter !== "" && record.vcluster_id !== request.vclusterFilter) continue;
    if (request.unassignedOnly && record.vcluster_id !== undefined) continue;
    const isOffered = seesUnassigned && record.vcluster_id === undefined;
    if (!isOffered && !isReadable({ Node: nodeId })) continue;
    matches.push(record);
    if (request.pageSize > 0 && matches.length > request.pageSize) break;
  }
  const page = request.pageSize > 0 ? matches.slice(0, request.pageSize) : matches;
  return create(enrollment.ListNodesResponseSchema, {
    nodes: page.map((record) => summary(context, record)),
    nextPageToken: page.length < matches.length ? page.at(-1)?.node_id ?? "" : "",
  });
}

/** One record in full. */
export async function inspectNode(
  context: ServiceContext,
  caller: Caller,
  nodeId: string,
): Promise<enrollment.InspectNodeResponse> {
  const record = context.replica.state.get("enrollments", nodeId);
  const scope = { Node: nodeId };
  const { outcome } = await context.gatekeeper.evaluate({ caller, action: "status", scope });
  if (outcome !== "allow") {
    throw new PactError("PERMISSION_DENIED", `node ${nodeId} is outside your scope`);
  }
  if (record === undefined) {
    throw new PactError("NODE_NOT_ENROLLED", `NODE_NOT_ENROLLED: ${nodeId}`);
  }
  const { mac_address, bmc_serial, extra } = record.hardware_identity;
  return create(enrollment.InspectNodeResponseSchema, {
    nodeId,
    domainId: record.domain_id,
    enrollmentState: record.state,
    hardwareIdentity: { macAddress: mac_address, bmcSerial: bmc_serial ?? "", extra },
    vclusterId: record.vcluster_id ?? "",
    certSerial: record.cert_serial ?? "",
    certExpiresAt: record.cert_expires_at ?? "",
    lastSeen: lastSeenOf(context, nodeId) ?? "",
    enrolledAt: record.enrolled_at,
    enrolledBy: record.enrolled_by,
    activeSessions: record.active_sessions,
  });
}

function summary(context: ServiceContext, record: Enrollment) {
  const { replica, liveness } = context;
  return {
    nodeId: record.node_id,
    enrollmentState: record.state,
    vclusterId: record.vcluster_id ?? "",
    lastSeen: lastSeenOf(context, record.node_id) ?? "",
    macAddress: record.hardware_identity.mac_address,
    configState: replica.state.get("node_states", record.node_id)?.state ?? "ObserveOnly",
    certExpiresAt: record.cert_expires_at ?? "",
    live: liveness.isLive(record.node_id),
  };
}

function stateFilter(text: string): Enrollment["state"] | undefined {
  if (text === "") return undefined;
  const state = STATES.find((candidate) => candidate.toLowerCase() === text.toLowerCase());
  if (state === undefined) {
    throw new PactError("INVALID_ARGUMENT", `unknown state '${text}': use ${STATES.join(", ")}`);
  }
  return state;
}
