import assert from "node:assert/strict";
import { create, type DescMessage, type Message, type MessageInitShape } from "@bufbuild/protobuf";
import { config, enrollment, journal, lock, policy, shell, stream } from "../../../api/mod.ts";
import {
  commitOf,
  type IdentitySite,
  MERCURY,
  type NodeCertificate,
  nodeScope,
  vclusterScope,
  VENUS,
} from "../../support/identity/mod.ts";
import { macOf } from "../../support/journal/mod.ts";

/** What requests are about. */
export interface World {
  readonly site: IdentitySite;
  /** A node of mercury, by its certificate. */
  readonly node: NodeCertificate;
  readonly nodeClients: Awaited<ReturnType<IdentitySite["as"]>>;
  /** An entry of mercury. */
  readonly sequence: bigint;
  /** Approvals that wait for a second person, one for each call. */
  readonly pending: string[];
  /** A number that no request has had yet. */
  readonly fresh: () => number;
}

/** How the request of a method is made. */
export interface RequestOf {
  readonly make: (world: World) => Message | Promise<Message>;
  /** Codes of the refusals that the letter F stands for. */
  readonly refusals?: readonly string[];
}

/** Names of machines that are registered for one call each. */
const freshNode = ({ fresh }: World) => `fresh-${fresh()}`;

const registered = async (world: World, vclusterId = "") => {
  const nodeId = freshNode(world);
  await world.site.register(nodeId, vclusterId);
  return nodeId;
};

/** A conflict of the node with mercury's journal that is still open. */
export async function openConflict({ node, nodeClients, fresh }: World): Promise<string> {
  const key = `kernel.probe_${fresh()}`;
  const scope = nodeScope(node.nodeId);
  await nodeClients.config.appendEntry({ entry: commitOf(scope, key, "10") });
  await nodeClients.config.appendEntry({
    entry: {
      ...commitOf(scope, key, "60"),
      entryType: config.EntryType.DRIFT_DETECTED,
      policyRef: "local-changes:0",
    },
  });
  const { conflicts } = await nodeClients.fleet.listConflicts({});
  return conflicts.find((conflict) => conflict.key === key)?.id ?? "";
}

/** Changes of mercury that wait for a second person, while the policy asks for one. */
export async function openApprovals(site: IdentitySite, count: number): Promise<string[]> {
  using admin = await site.as();
  using zoe = await site.as({ sub: "zoe", role: `pact-ops-${MERCURY}` });
  await admin.policy.updatePolicy({ vclusterId: MERCURY, policy: { twoPersonApproval: true } });
  for (let at = 0; at < count; at++) {
    const entry = commitOf(vclusterScope(MERCURY), `kernel.waits_${at}`, "1");
    await assert.rejects(zoe.config.appendEntry({ entry }), /approval/i);
  }
  const { approvals } = await admin.policy.listPendingApprovals({});
  await admin.policy.updatePolicy({ vclusterId: MERCURY, policy: { emergencyAllowed: true } });
  return approvals.map(({ approvalId }) => approvalId);
}

/** By full name of the method; what is missing here is sent empty. */
export const REQUESTS: Readonly<Record<string, RequestOf>> = {
  ...of(journal.ConfigService.method, {
    AppendEntry: make(journal.AppendEntryRequestSchema, ({ node, fresh }) => ({
      entry: commitOf(nodeScope(node.nodeId), `kernel.probe_${fresh()}`, "1"),
    })),
    GetEntry: make(journal.GetEntryRequestSchema, ({ sequence }) => ({ sequence })),
    GetNodeState: make(journal.GetNodeStateRequestSchema, ({ node }) => ({ nodeId: node.nodeId })),
    GetOverlay: make(journal.GetOverlayRequestSchema, () => ({ vclusterId: MERCURY })),
  }),
  ...of(policy.PolicyService.method, {
    Evaluate: make(policy.PolicyEvalRequestSchema, () => ({
      action: "commit",
      scope: vclusterScope(MERCURY),
    })),
    GetEffectivePolicy: make(policy.GetPolicyRequestSchema, () => ({ vclusterId: MERCURY })),
    UpdatePolicy: make(policy.UpdatePolicyRequestSchema, () => ({
      vclusterId: MERCURY,
      policy: { emergencyAllowed: true },
    })),
    DecideApproval: make(policy.DecideApprovalRequestSchema, ({ pending }) => ({
      approvalId: pending.pop() ?? "",
      decision: "approved",
    })),
    RedeemPermit: {
      ...make(policy.RedeemPermitRequestSchema, () => ({
        approvalId: "ap-00000000",
        requester: { principal: "olga", principalType: "Human", role: `pact-ops-${MERCURY}` },
        action: "exec",
        command: "uname",
      })),
      refusals: ["NOT_FOUND"],
    },
  }),
  ...of(lock.LockService.method, {
    SetLock: make(lock.SetLockRequestSchema, () => ({
      kind: "user",
      name: "mallory",
      reason: "a laptop is gone",
    })),
    ReleaseLock: {
      ...make(lock.ReleaseLockRequestSchema, () => ({ kind: "user", name: "nobody" })),
      refusals: ["NOT_FOUND"],
    },
  }),
  ...of(stream.BootConfigService.method, {
    StreamBootConfig: make(stream.BootConfigRequestSchema, ({ node }) => ({
      nodeId: node.nodeId,
      vclusterId: MERCURY,
    })),
    SubscribeConfigUpdates: make(stream.SubscribeRequestSchema, ({ node }) => ({
      nodeId: node.nodeId,
      vclusterId: MERCURY,
    })),
  }),
  ...of(enrollment.EnrollmentService.method, {
    Enroll: {
      ...make(enrollment.EnrollRequestSchema, () => ({
        hardwareIdentity: { macAddress: "02:00:00:ff:ff:ff" },
        csr: new Uint8Array(1),
      })),
      refusals: ["NODE_NOT_ENROLLED", "RATE_LIMITED"],
    },
    RegisterNode: make(enrollment.RegisterNodeRequestSchema, (world) => ({
      nodeId: freshNode(world),
      hardwareIdentity: { macAddress: macOf(0x900000 + world.fresh()) },
    })),
    BatchRegisterNodes: make(enrollment.BatchRegisterNodesRequestSchema, (world) => ({
      nodes: [{
        nodeId: freshNode(world),
        hardwareIdentity: { macAddress: macOf(0x900000 + world.fresh()) },
      }],
    })),
    DecommissionNode: make(enrollment.DecommissionNodeRequestSchema, async (world) => ({
      nodeId: await registered(world, MERCURY),
    })),
    AssignNode: make(enrollment.AssignNodeRequestSchema, async (world) => ({
      nodeId: await registered(world),
      vclusterId: MERCURY,
    })),
    UnassignNode: make(enrollment.UnassignNodeRequestSchema, async (world) => ({
      nodeId: await registered(world, MERCURY),
    })),
    MoveNode: make(enrollment.MoveNodeRequestSchema, async (world) => ({
      nodeId: await registered(world, MERCURY),
      toVclusterId: VENUS,
    })),
    RenewCert: {
      ...make(enrollment.RenewCertRequestSchema, () => ({ currentCertSerial: "0" })),
      refusals: ["NOT_FOUND"],
    },
    InspectNode: make(enrollment.InspectNodeRequestSchema, ({ node }) => ({ nodeId: node.nodeId })),
  }),
  ...of(journal.FleetService.method, {
    ReportNodeState: make(journal.NodeStateDetailSchema, ({ node }) => ({
      nodeId: node.nodeId,
      configState: "Committed",
    })),
    ReportCapability: {
      make: ({ node }) =>
        create(journal.FleetService.method.reportCapability.input, { nodeId: node.nodeId }),
    },
    GetCapability: make(journal.GetNodeStateRequestSchema, ({ node }) => ({ nodeId: node.nodeId })),
    GetBlacklist: make(journal.BlacklistRequestSchema, () => ({ vclusterId: MERCURY })),
    UpdateBlacklist: make(journal.BlacklistRequestSchema, () => ({
      vclusterId: MERCURY,
      add: ["/scratch/**"],
    })),
    ListDeltas: make(journal.ListDeltasRequestSchema, ({ node }) => ({ nodeId: node.nodeId })),
    Promote: make(journal.PromoteRequestSchema, ({ node }) => ({
      nodeId: node.nodeId,
      dryRun: true,
    })),
    ResolveConflict: make(journal.ResolveConflictRequestSchema, async (world) => ({
      id: await openConflict(world),
      accept: "journal",
    })),
    QueryAudit: make(journal.QueryAuditRequestSchema, () => ({ scope: vclusterScope(MERCURY) })),
    ChangeMembership: make(journal.ChangeMembershipRequestSchema, () => ({
      operation: "promote",
      id: 1n,
    })),
    AssignUid: make(journal.AssignUidRequestSchema, () => ({ subject: "ann", username: "ann" })),
  }),
  ...of(shell.ShellService.method, {
    Exec: make(shell.ExecRequestSchema, () => ({ command: "uname" })),
    Shell: make(shell.ShellInputSchema, () => ({
      input: { case: "open" as const, value: { rows: 24, cols: 80 } },
    })),
    ExtendCommitWindow: {
      ...make(shell.ExtendWindowRequestSchema, () => ({ additionalMinutes: 1 })),
      refusals: ["PRECONDITION"],
    },
    CollectDiag: make(shell.DiagRequestSchema, () => ({ sourceFilter: "system" })),
    ServiceControl: make(shell.ServiceControlRequestSchema, () => ({ operation: "status" })),
    ServiceLogs: {
      ...make(shell.ServiceLogsRequestSchema, () => ({ service: "none-such" })),
      refusals: ["NOT_FOUND"],
    },
    LocalCommit: {
      ...make(shell.LocalCommitRequestSchema, () => ({ message: "nothing has changed" })),
      refusals: ["PRECONDITION"],
    },
    LocalRollback: {
      ...make(shell.LocalRollbackRequestSchema, () => ({ targetSequence: 999_999n })),
      refusals: ["PRECONDITION"],
    },
    EmergencyControl: {
      ...make(shell.EmergencyControlRequestSchema, () => ({ operation: "start", reason: "smoke" })),
      refusals: ["PRECONDITION"],
    },
  }),
};

function of(
  methods: Readonly<
    Record<string, { readonly name: string; readonly parent: { typeName: string } }>
  >,
  requests: Readonly<Record<string, RequestOf>>,
): Record<string, RequestOf> {
  const known = new Map(Object.values(methods).map((method) => [method.name, method]));
  return Object.fromEntries(
    Object.entries(requests).map(([name, request]) => {
      const service = known.get(name)?.parent.typeName;
      if (service === undefined) throw new Error(`no service has the method ${name}`);
      return [`${service}/${name}`, request];
    }),
  );
}

function make<Type extends DescMessage>(
  type: Type,
  init: (world: World) => MessageInitShape<Type> | Promise<MessageInitShape<Type>>,
): RequestOf {
  return { make: async (world) => create(type, await init(world)) };
}
