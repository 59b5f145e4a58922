import { createHash } from "node:crypto";
import fc from "fast-check";
import { canonicalJson } from "../../../common/json/mod.ts";
import type { CommandInput } from "../../../journal/state/mod.ts";
import { append, commit, hold, holdAction, kernel } from "./commands.ts";
import { AGENT, ANN, BOB } from "./identities.ts";

const nodeId = fc.constantFrom("n1", "n2", "n3");
const vclusterId = fc.constantFrom("ml", "sim");
const org = fc.constantFrom("local", "eth", "epfl");
/** Low, so that what an early entry opened is met again. */
const sequence = fc.nat(12);
/** Instants within the months that random histories pass through. */
const instant = fc.nat(400).map((days) =>
  new Date(Date.UTC(2026, 0, 1) + days * 86_400_000).toISOString()
);
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

const emergencies: fc.Arbitrary<CommandInput> = fc.oneof(
  fc.oneof(
    nodeId.map((id) => ({ Node: id })),
    vclusterId.map((id) => ({ VCluster: id })),
  ).map((scope): CommandInput => ({ type: "OpenEmergency", scope, reason: "fire" })),
  fc.constant<CommandInput>({
    type: "MarkEmergenciesStale",
    session_ids: Array.from({ length: 13 }, (_, at) => `em-${at}`),
  }),
);

const conflicts: fc.Arbitrary<CommandInput> = fc.tuple(
  nodeId,
  sequence,
  fc.string({ maxLength: 2 }),
).map(([Node, since, value]) =>
  append({
    entry_type: "DriftDetected",
    scope: { Node },
    author: AGENT,
    policy_ref: `local-changes:${since}`,
    state_delta: kernel({ "vm.swappiness": value, "kernel.pid_max": value }),
  })
);

const identities: fc.Arbitrary<CommandInput> = fc.oneof(
  org.map((name): CommandInput => ({ type: "JoinOrg", org: name })),
  org.map((name): CommandInput => ({ type: "LeaveOrg", org: name })),
  fc.tuple(org, fc.constantFrom("ann", "bob", "carl")).map(([name, username]): CommandInput => ({
    type: "AssignUid",
    org: name,
    subject: `sub-${username}`,
    username,
  })),
);

const overlays: fc.Arbitrary<CommandInput> = fc.tuple(
  vclusterId,
  fc.integer({ min: 1, max: 5 }),
  sequence,
  fc.boolean(),
).map(([vcluster_id, version, built_from_sequence, isIntact]): CommandInput => {
  const data = canonicalJson({ format: 1, vcluster: vcluster_id, version, built_from_sequence });
  const checksum = sha256(isIntact ? data : "other");
  return {
    type: "SetOverlay",
    overlay: { vcluster_id, version, data, checksum, built_from_sequence },
  };
});

const approvalId = fc.constantFrom("ap-00000001", "ap-00000002");
const nodeAction = fc.tuple(nodeId, fc.constantFrom("a", "b")).map(([node_id, command]) => ({
  action: "exec",
  node_id,
  command,
  args: [],
}));

/** Requests of every kind that wait, some of which cannot be carried out any more when approved. */
const heldRequests: fc.Arbitrary<CommandInput> = fc.oneof(
  fc.tuple(approvalId, vclusterId, fc.option(sequence, { nil: undefined })).map(
    ([id, VCluster, expected_head]) => {
      const scope = { VCluster };
      const held = commit(scope, { "vm.swappiness": id }, { author: ANN });
      return hold(
        id,
        expected_head === undefined ? held : { ...held, expected_head },
        { scope, vcluster: VCluster, role: "pact-platform-admin" },
      );
    },
  ),
  fc.tuple(approvalId, nodeId, vclusterId).map(([id, node_id, vcluster_id]) =>
    hold(id, { type: "AssignNodeToVCluster", node_id, vcluster_id }, { action: "node_assign" })
  ),
  fc.tuple(approvalId, nodeAction).map(([id, action]) => holdAction(id, action)),
);

const approvals: fc.Arbitrary<CommandInput> = fc.oneof(
  heldRequests,
  fc.tuple(
    approvalId,
    fc.constantFrom("Approved" as const, "Rejected" as const, "Expired" as const),
  )
    .map(([approval_id, decision]): CommandInput => ({
      type: "DecideApproval",
      approval_id,
      decision,
    })),
  fc.tuple(approvalId, nodeAction).map(([approval_id, action]): CommandInput => ({
    type: "RedeemPermit",
    approval_id,
    requester: ANN,
    action: { kind: "node", ...action },
  })),
);

const certificates: fc.Arbitrary<CommandInput> = fc.oneof(
  fc.tuple(nodeId, fc.constantFrom("s1", "s2", "s3"), instant, fc.boolean()).map((
    [node_id, cert_serial, cert_expires_at, revoke_previous],
  ): CommandInput => ({
    type: "UpdateNodeCert",
    node_id,
    cert_serial,
    cert_expires_at,
    revoke_previous,
  })),
  fc.tuple(fc.constantFrom("1", "2"), fc.constantFrom("pem a", "pem b"), instant).map((
    [journal_node_id, certificate_pem, not_after],
  ): CommandInput => ({ type: "PublishCa", journal_node_id, certificate_pem, not_after })),
  fc.tuple(sequence, instant).map(([at, signed_at]): CommandInput => ({
    type: "RecordCheckpoint",
    checkpoint: {
      sequence: at,
      hash: sha256(String(at)),
      signed_at,
      signer: sha256("signer"),
      signature: "AAAA",
    },
  })),
);

const fleet: fc.Arbitrary<CommandInput> = fc.oneof(
  fc.tuple(nodeId, vclusterId).map(([node_id, vcluster_id]): CommandInput => ({
    type: "AssignNode",
    node_id,
    vcluster_id,
  })),
  fc.tuple(nodeId, vclusterId, fc.option(vclusterId, { nil: undefined })).map((
    [node_id, to_vcluster_id, from_vcluster_id],
  ): CommandInput => ({ type: "MoveNodeVCluster", node_id, to_vcluster_id, from_vcluster_id })),
  fc.array(fc.record({ node_id: nodeId, last_seen: instant }), { maxLength: 3 }).map((
    nodes,
  ): CommandInput => ({ type: "UpdateNodeLastSeen", nodes })),
  fc.constant<CommandInput>({ type: "PurgeExpired" }),
  fc.record({
    through: fc.nat(2),
    at: fc.constantFrom("1900-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
  })
    .map(({ through, at }): CommandInput => ({
      type: "PurgeAudit",
      through,
      newest: [{ vcluster_id: "ml", at }],
    })),
  sequence.map((at): CommandInput => ({
    type: "DropNotices",
    keys: [`${String(at).padStart(16, "0")}\n${BOB.principal}`],
  })),
);

const lockTarget = fc.oneof(
  // ANN and BOB send commands themselves, in any spelling of their names.
  fc.constantFrom("ann@example.org", "ANN@example.org", "bob@example.org", "mallory").map(
    (name) => ({ kind: "user" as const, name }),
  ),
  fc.constantFrom("pact-platform-admin", "pact-service-agent", "pact-ops-ml").map(
    (name) => ({ kind: "role" as const, name }),
  ),
  nodeId.map((name) => ({ kind: "node" as const, name })),
  vclusterId.map((name) => ({ kind: "vcluster" as const, name })),
);

const locks: fc.Arbitrary<CommandInput> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.tuple(lockTarget, fc.constantFrom(undefined, 1, 900, 86_400)).map((
      [target, ttl_seconds],
    ): CommandInput => ({ type: "SetLock", ...target, reason: "a laptop is gone", ttl_seconds })),
  },
  lockTarget.map((target): CommandInput => ({ type: "ReleaseLock", ...target })),
  fc.constant<CommandInput>({
    type: "ExpireLocks",
    keys: ["user:mallory", "user:bob@example.org", "node:n1", "vcluster:ml", "role:pact-ops-ml"],
  }),
);

/** What operators, the leader and the journal's other parts send: every kind but entries. */
export const randomOperations: fc.Arbitrary<CommandInput> = fc.oneof(
  emergencies,
  { weight: 4, arbitrary: conflicts },
  identities,
  overlays,
  approvals,
  certificates,
  { weight: 2, arbitrary: fleet },
  locks,
);

const ids = Array.from({ length: 40 }, (_, at) => at);

/** Commands that name what an earlier one made: sent for all it may be, so that one of them hits. */
export const randomBursts: fc.Arbitrary<readonly CommandInput[]> = fc.oneof(
  lockTarget.map((target): CommandInput[] => [
    { type: "SetLock", ...target, reason: "a laptop is gone" },
    { type: "ReleaseLock", ...target },
  ]),
  fc.boolean().map((force) =>
    ids.map((at): CommandInput => ({ type: "CloseEmergency", session_id: `em-${at}`, force }))
  ),
  org.map((name): CommandInput[] => [
    { type: "JoinOrg", org: name },
    { type: "AssignUid", org: name, subject: "sub-dora", username: "dora" },
    { type: "LeaveOrg", org: name },
  ]),
  fc.tuple(heldRequests, fc.constantFrom("Approved" as const, "Rejected" as const)).map((
    [held, decision],
  ): CommandInput[] => [
    held,
    ...["ap-00000001", "ap-00000002"].map((approval_id) => ({
      type: "DecideApproval" as const,
      approval_id,
      decision,
    })),
  ]),
  nodeAction.map((action): CommandInput[] => [
    holdAction("ap-00000001", action),
    { type: "DecideApproval", approval_id: "ap-00000001", decision: "Approved" },
    {
      type: "RedeemPermit",
      approval_id: "ap-00000001",
      requester: ANN,
      action: { kind: "node", ...action },
    },
  ]),
  fc.constantFrom("local" as const, "journal" as const, "expired" as const).map((accept) =>
    ids.map((at): CommandInput => ({
      type: "ResolveConflict",
      conflict_id: `mc-${at}-0`,
      accept,
    }))
  ),
);
