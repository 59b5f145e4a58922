import { create, fromJsonString } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { capability, journal } from "../../api/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import { entryToWire } from "../../common/wire/mod.ts";
import { DEFAULT_PATTERNS } from "../../contracts/mod.ts";
import { liveNodeDeltas } from "../overlay/mod.ts";
import { expiryMs } from "../state/mod.ts";
import { queryAudit } from "./audit_query.ts";
import { changeMembership, type ClusterFacts, clusterStatus } from "./cluster.ts";
import { callerOf, callerWithRole, type ServiceContext } from "./context.ts";
import { listConflicts, resolveConflict } from "./conflicts.ts";
import { listEmergencies } from "./emergencies.ts";
import { vclusterIdFromWire } from "./identifiers.ts";
import { requireKnownNode } from "./node_detail.ts";
import { reportCapability, reportNodeState } from "./node_reports.ts";
import { listNodeStates } from "./node_states.ts";
import { notifications } from "./notifications.ts";
import { promote } from "./promote.ts";
import { submitGranted } from "./submit_granted.ts";
import { assignUid, uidMap } from "./uid_map.ts";

/** Queries over the fleet and the reports of its nodes (api.md section 8b). */
export function fleetService(
  context: ServiceContext,
  facts: ClusterFacts,
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
      const scope = { VCluster: vclusterIdFromWire(vclusterId) };
      await gatekeeper.require({ caller: callerOf(call), action: "status", scope });
      return blacklist(context, scope.VCluster);
    },
    updateBlacklist: async ({ vclusterId, add, remove }, call) => {
      const caller = callerOf(call);
      const scope = { VCluster: vclusterIdFromWire(vclusterId) };
      const grant = await gatekeeper.admit({ caller, action: "blacklist", scope });
      await submitGranted(context, call, caller, grant, {
        action: "blacklist",
        scope,
        command: { type: "SetBlacklist", vcluster_id: scope.VCluster, add, remove },
      });
      return blacklist(context, scope.VCluster);
    },
    listDeltas: (request, call) => listDeltas(context, request, call),
    promote: (request, call) => promote(context, request, call),
    listConflicts: (request, call) => listConflicts(context, request, call),
    resolveConflict: (request, call) => resolveConflict(context, request, call),
    listEmergencies: (request, call) => listEmergencies(context, request, callerWithRole(call)),
    assignUid: (request, call) => assignUid(context, request, call),
    getUidMap: (_request, call) => uidMap(context, call),
    subscribeNotifications: (request, call) => notifications(context, request, call),
    queryAudit: (request, call) => queryAudit(context, request, call),
    getClusterStatus: (_request, call) => clusterStatus(context, facts, call),
    changeMembership: (request, call) => changeMembership(context, facts, request, call),
  };
}

/** What a node declares beyond its vCluster, and on request what has expired (JRN-31). */
async function listDeltas(
  context: ServiceContext,
  { nodeId, includeExpired }: journal.ListDeltasRequest,
  call: HandlerContext,
): Promise<journal.ListDeltasResponse> {
  const { replica, gatekeeper, clock } = context;
  requireKnownNode(context, nodeId);
  const scope = { Node: nodeId };
  await gatekeeper.require({ caller: callerOf(call), action: "diff", scope });
  const deltas = liveNodeDeltas(replica.state, nodeId, clock.nowMs());
  if (includeExpired) {
    for await (const entry of replica.entries({ scope, types: ["Commit"] })) {
      if ((expiryMs(entry) ?? Infinity) <= clock.nowMs()) deltas.push(entry);
    }
    deltas.sort((a, b) => a.sequence - b.sequence);
  }
  return create(journal.ListDeltasResponseSchema, { deltas: deltas.map(entryToWire) });
}

/** vClusters the caller may see; one exists by policy, assignment or entry (VCP-6). */
async function listVClusters(
  context: ServiceContext,
  call: HandlerContext,
): Promise<journal.ListVClustersResponse> {
  const { replica, gatekeeper } = context;
  const nodes = new Map<string, string[]>();
  const membersOf = (id: string) => nodes.get(id) ?? nodes.set(id, []).get(id) ?? [];
  for (const [id] of replica.state.list("policies")) membersOf(id);
  for (const [id] of replica.state.list("overlays")) membersOf(id);
  for (const [nodeId, { vcluster_id }] of replica.state.list("node_assignments")) {
    membersOf(vcluster_id).push(nodeId);
  }
  const caller = callerWithRole(call);
  const isReadable = await gatekeeper.readable(caller, "status");
  const vclusters = [...nodes.keys()].sort().filter((id) => isReadable({ VCluster: id })).map((
    id,
  ) => vclusterSummary(context, id, nodes.get(id) ?? []));
  return create(journal.ListVClustersResponseSchema, { vclusters });
}

function vclusterSummary({ replica, gatekeeper }: ServiceContext, id: string, members: string[]) {
  const policy = gatekeeper.policyOf(id);
  const drifted = members.filter((nodeId) =>
    replica.state.get("node_states", nodeId)?.state === "Drifted"
  );
  const pending = [...replica.state.list("approvals")].filter(([, { vcluster, status }]) =>
    vcluster === id && status === "Pending"
  );
  return {
    vclusterId: id,
    nodeCount: members.length,
    enforcementMode: policy.enforcement_mode,
    twoPersonApproval: policy.two_person_approval,
    regulated: policy.regulated,
    overlayVersion: BigInt(replica.state.get("overlays", id)?.version ?? 0),
    policyVersion: BigInt(policy.version),
    emergencyAllowed: policy.emergency_allowed,
    pendingApprovals: pending.length,
    driftedNodes: drifted.length,
  };
}

function blacklist({ replica }: ServiceContext, vclusterId: string): journal.BlacklistResponse {
  return create(journal.BlacklistResponseSchema, {
    vclusterId,
    patterns: replica.state.get("blacklists", vclusterId)?.patterns ?? [],
    defaults: [...DEFAULT_PATTERNS],
  });
}
