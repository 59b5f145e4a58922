import { create, fromJsonString, type JsonObject, toJson } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { capability, config, journal } from "../../api/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import { type Scope, VClusterIdSchema } from "../../common/model/mod.ts";
import { readRequestId } from "../../common/rpc/mod.ts";
import {
  counterFromWire,
  deltaFromWire,
  entryToWire,
  instantFromWire,
  present,
} from "../../common/wire/mod.ts";
import { identityOf } from "../access/mod.ts";
import { liveNodeDeltas } from "../overlay/mod.ts";
import type { ConfigState } from "../state/mod.ts";
import { queryAudit } from "./audit_query.ts";
import { callerOf, ownNodeOf, type ServiceContext } from "./context.ts";
import { knownNodes, nodeDetail, requireKnownNode } from "./node_detail.ts";
import { promote } from "./promote.ts";

/** Patterns every node excludes from drift, whatever its vCluster says (CLI-112). */
const DEFAULT_BLACKLIST = [
  "/tmp/**",
  "/var/log/**",
  "/proc/**",
  "/sys/**",
  "/dev/**",
  "/run/user/**",
  "/run/pact/**",
  "/run/lattice/**",
];

/** Largest capability report kept, in bytes of its JSON (journal.md 2.3). */
const MAX_REPORT_BYTES = 32 * 1024;

/** This member as the cluster status shows it. */
export interface MemberInfo {
  readonly nodeId: number;
  readonly grpcAddress: string;
  readonly version: string;
}

/** Queries over the fleet and the reports of its nodes (api.md section 8b). */
export function fleetService(
  context: ServiceContext,
  member: MemberInfo,
): Partial<ServiceImpl<typeof journal.FleetService>> {
  const { replica, gatekeeper } = context;
  return {
    listNodeStates: (request, call) => listNodeStates(context, request, call),
    reportNodeState: (request, call) => reportNodeState(context, request, call),
    reportCapability: (request, call) => reportCapability(context, request, call),
    getCapability: async ({ nodeId }, call) => {
      requireKnownNode(context, nodeId);
      await gatekeeper.require({ caller: callerOf(call), action: "cap", scope: { Node: nodeId } });
      const stored = replica.state.get("capabilities", nodeId);
      if (stored === undefined) {
        throw new PactError("NOT_FOUND", `node ${nodeId} has not reported its capabilities`);
      }
      return fromJsonString(capability.CapabilityReportSchema, JSON.stringify(stored.report));
    },
    listVClusters: (_request, call) => listVClusters(context, call),
    getBlacklist: async ({ vclusterId }, call) => {
      const scope = vclusterScope(vclusterId);
      await gatekeeper.require({ caller: callerOf(call), action: "status", scope });
      return blacklist(context, scope.VCluster);
    },
    updateBlacklist: async ({ vclusterId, add, remove }, call) => {
      const caller = callerOf(call);
      const scope = vclusterScope(vclusterId);
      const grant = await gatekeeper.require({ caller, action: "blacklist", scope });
      await replica.submit(
        { type: "SetBlacklist", vcluster_id: scope.VCluster, add, remove },
        {
          actor: identityOf(caller, grant.role),
          ...present("requestId", readRequestId(call.requestHeader)),
        },
      );
      return blacklist(context, scope.VCluster);
    },
    listDeltas: async ({ nodeId }, call) => {
      requireKnownNode(context, nodeId);
      await gatekeeper.require({ caller: callerOf(call), action: "diff", scope: { Node: nodeId } });
      const deltas = liveNodeDeltas(replica.state, nodeId, context.clock.nowMs()).map(entryToWire);
      return create(journal.ListDeltasResponseSchema, { deltas });
    },
    promote: (request, call) => promote(context, request, call),
    queryAudit: (request, call) => queryAudit(context, request, call),
    getClusterStatus: (_request, call) => clusterStatus(context, member, call),
  };
}

const MAX_PAGE = 10_000;

/** Nodes the caller may see, by id, a page at a time. */
function listNodeStates(
  context: ServiceContext,
  request: journal.ListNodeStatesRequest,
  call: HandlerContext,
): journal.ListNodeStatesResponse {
  const caller = callerOf(call);
  const wanted = request.stateFilter.toLowerCase().replaceAll("_", "");
  const pageSize = request.pageSize === 0 ? MAX_PAGE : Math.min(request.pageSize, MAX_PAGE);
  const nodes: journal.NodeStateDetail[] = [];
  for (const nodeId of knownNodes(context)) {
    if (nodeId <= request.pageToken) continue;
    const scope = { Node: nodeId };
    if (request.vclusterId !== "" && context.gatekeeper.vclusterOf(scope) !== request.vclusterId) {
      continue;
    }
    if (context.gatekeeper.decide({ caller, action: "status", scope }).outcome !== "allow") {
      continue;
    }
    const detail = nodeDetail(context, nodeId);
    if (wanted !== "" && detail.configState.toLowerCase() !== wanted) continue;
    nodes.push(detail);
    if (nodes.length > pageSize) break;
  }
  const page = nodes.slice(0, pageSize);
  return create(journal.ListNodeStatesResponseSchema, {
    nodes: page,
    nextPageToken: page.length < nodes.length ? page.at(-1)?.nodeId ?? "" : "",
  });
}

/** What an agent says of its own node (JRN-26). */
async function reportNodeState(
  context: ServiceContext,
  request: journal.NodeStateDetail,
  call: HandlerContext,
): Promise<journal.ReportAck> {
  const caller = callerOf(call);
  const nodeId = requireOwnNode(call, request.nodeId);
  const state = configState(request.configState);
  await context.replica.submit({
    type: "UpdateNodeState",
    node_id: nodeId,
    report: {
      state,
      ...present("drift", request.drift && magnitude(request.drift)),
      ...present("drift_items", request.driftItems && driftItems(request.driftItems)),
      ...present(
        "supervisor",
        request.supervisor &&
          jsonObject(toJson(capability.SupervisorStatusSchema, request.supervisor)),
      ),
      ...present(
        "window_deadline",
        request.windowDeadline && instantFromWire(request.windowDeadline),
      ),
      overlay_version: counterFromWire(request.overlayVersion),
      applied_sequence: counterFromWire(request.appliedSequence),
      memory_total: counterFromWire(request.memoryTotal),
      memory_available: counterFromWire(request.memoryAvailable),
      gpus_total: request.gpusTotal,
      gpus_healthy: request.gpusHealthy,
      gpus_degraded: request.gpusDegraded,
    },
  }, { actor: identityOf(caller, caller.principal.roles[0] ?? ""), signal: call.signal });
  return create(journal.ReportAckSchema, {
    appliedSequence: BigInt(Math.max(context.replica.appliedSequence, 0)),
  });
}

async function reportCapability(
  context: ServiceContext,
  request: capability.CapabilityReport,
  call: HandlerContext,
): Promise<journal.ReportAck> {
  const caller = callerOf(call);
  const nodeId = requireOwnNode(call, request.nodeId);
  const report = jsonObject(toJson(capability.CapabilityReportSchema, request));
  if (JSON.stringify(report).length > MAX_REPORT_BYTES) {
    throw new PactError(
      "INVALID_ARGUMENT",
      `capability report larger than ${MAX_REPORT_BYTES} bytes`,
    );
  }
  await context.replica.submit(
    { type: "ReportCapability", node_id: nodeId, report },
    { actor: identityOf(caller, caller.principal.roles[0] ?? ""), signal: call.signal },
  );
  return create(journal.ReportAckSchema, {
    appliedSequence: BigInt(Math.max(context.replica.appliedSequence, 0)),
  });
}

function requireOwnNode(call: HandlerContext, nodeId: string): string {
  const own = ownNodeOf(callerOf(call)).nodeId;
  if (own !== nodeId) {
    throw new PactError("PERMISSION_DENIED", `this certificate is of node ${own}`);
  }
  return own;
}

/** vClusters the caller may see; one exists by policy, assignment or entry (VCP-6). */
function listVClusters(
  context: ServiceContext,
  call: HandlerContext,
): journal.ListVClustersResponse {
  const { replica, gatekeeper } = context;
  const nodes = new Map<string, string[]>();
  const membersOf = (id: string) => nodes.get(id) ?? nodes.set(id, []).get(id) ?? [];
  for (const [id] of replica.state.list("policies")) membersOf(id);
  for (const [id] of replica.state.list("overlays")) membersOf(id);
  for (const [nodeId, { vcluster_id }] of replica.state.list("node_assignments")) {
    membersOf(vcluster_id).push(nodeId);
  }
  const caller = callerOf(call);
  const vclusters = [...nodes.keys()].sort().filter((id) =>
    gatekeeper.decide({ caller, action: "status", scope: { VCluster: id } }).outcome === "allow"
  ).map((id) => vclusterSummary(context, id, nodes.get(id) ?? []));
  return create(journal.ListVClustersResponseSchema, { vclusters });
}

function vclusterSummary({ replica, gatekeeper }: ServiceContext, id: string, members: string[]) {
  const policy = gatekeeper.policyOf(id);
  const drifted = members.filter((nodeId) =>
    replica.state.get("node_states", nodeId)?.state === "Drifted"
  );
  return {
    vclusterId: id,
    nodeCount: members.length,
    enforcementMode: policy.enforcement_mode,
    twoPersonApproval: policy.two_person_approval,
    regulated: policy.regulated,
    emergencyAllowed: policy.emergency_allowed,
    overlayVersion: BigInt(replica.state.get("overlays", id)?.version ?? 0),
    policyVersion: BigInt(policy.version),
    driftedNodes: drifted.length,
  };
}

async function clusterStatus(
  { replica, gatekeeper }: ServiceContext,
  member: MemberInfo,
  call: HandlerContext,
): Promise<journal.ClusterStatusResponse> {
  await gatekeeper.require({ caller: callerOf(call), action: "cluster", scope: "Global" });
  const status = replica.status();
  return create(journal.ClusterStatusResponseSchema, {
    leaderId: BigInt(member.nodeId),
    term: status.log.term,
    commitIndex: status.log.lastIndex,
    lastApplied: status.appliedIndex,
    nextSequence: BigInt(status.nextSequence),
    version: member.version,
    members: [{
      id: BigInt(member.nodeId),
      grpcAddress: member.grpcAddress,
      role: "leader",
      matchIndex: status.log.lastIndex,
      healthy: status.health === "ok",
    }],
  });
}

function blacklist({ replica }: ServiceContext, vclusterId: string): journal.BlacklistResponse {
  return create(journal.BlacklistResponseSchema, {
    vclusterId,
    patterns: replica.state.get("blacklists", vclusterId)?.patterns ?? [],
    defaults: DEFAULT_BLACKLIST,
  });
}

function vclusterScope(id: string): Extract<Scope, { VCluster: string }> {
  const parsed = VClusterIdSchema.safeParse(id);
  if (!parsed.success) throw new PactError("INVALID_ARGUMENT", `invalid vCluster id '${id}'`);
  return { VCluster: parsed.data };
}

const CONFIG_STATES: readonly ConfigState[] = [
  "ObserveOnly",
  "Committed",
  "Drifted",
  "Converging",
  "Emergency",
];

function configState(text: string): ConfigState {
  const state = CONFIG_STATES.find((candidate) => candidate === text);
  if (state === undefined) {
    throw new PactError("INVALID_ARGUMENT", `unknown config state '${text}'`);
  }
  return state;
}

/** Drift items as the document form of a delta; the two messages share their element types. */
function driftItems({ $typeName: _type, $unknown: _unknown, ...items }: config.DriftVector) {
  return deltaFromWire(create(config.StateDeltaSchema, items));
}

function magnitude(message: config.DriftMagnitude): Record<string, number> {
  const { mounts, files, network, services, kernel, packages, gpu, total } = message;
  return { mounts, files, network, services, kernel, packages, gpu, total };
}

function jsonObject(json: unknown): JsonObject {
  return typeof json === "object" && json !== null && !Array.isArray(json) ? { ...json } : {};
}
