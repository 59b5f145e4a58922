import assert from "node:assert/strict";
import { createClient, type Interceptor } from "@connectrpc/connect";
import { config, type journal, lock } from "../../api/mod.ts";
import { createLogger } from "../../common/log/mod.ts";
import { scopeFromWire } from "../../common/wire/mod.ts";
import { scopeText } from "../../common/model/mod.ts";
import { createKeyAndCsr } from "../../common/tls/mod.ts";
import { METHOD_CREDENTIALS } from "../../journal/access/mod.ts";
import {
  agentName,
  all,
  type JournalClients,
  macOf,
  openJournalSite,
  refusalOf,
  type SiteNode,
} from "../support/journal/mod.ts";
import { waitFor } from "../support/mod.ts";

const ML = { scope: { case: "vclusterId", value: "ml" } } as const;
const N1 = { scope: { case: "nodeId", value: "n1" } } as const;

/** Those who act. */
interface Cast {
  readonly ann: JournalClients;
  readonly bo: JournalClients;
  readonly n1: SiteNode;
  readonly stranger: JournalClients;
}

/** One change through one method, and what must stand on record of it. */
interface Change {
  readonly act: (cast: Cast) => Promise<unknown>;
  readonly operation: string;
  readonly scope: string;
  /** What the scope does not say. */
  readonly detail?: string;
  /** By default the admin. */
  readonly actor?: string;
  /** What a viewer is refused with the same call is on record, too. */
  readonly viewerIsDenied?: boolean;
}

const commitOf = (key: string, scope: typeof ML | typeof N1) => ({
  entryType: config.EntryType.COMMIT,
  scope,
  stateDelta: { kernel: [{ key, declaredValue: "10" }] },
});

/** Every method that changes something, in an order in which all succeed. */
const CHANGES: Readonly<Record<string, Change>> = {
  "pact.journal.ConfigService/AppendEntry": {
    act: ({ ann }) => ann.config.appendEntry({ entry: commitOf("vm.swappiness", ML) }),
    operation: "Commit",
    scope: "vc:ml",
    viewerIsDenied: true,
  },
  "pact.policy.PolicyService/UpdatePolicy": {
    act: ({ ann }) => ann.policy.updatePolicy({ vclusterId: "ml", policy: {} }),
    operation: "PolicyUpdate",
    scope: "vc:ml",
    viewerIsDenied: true,
  },
  "pact.enrollment.EnrollmentService/RegisterNode": {
    act: ({ ann }) =>
      ann.enrollment.registerNode({
        nodeId: "n2",
        hardwareIdentity: { macAddress: macOf(0x1002) },
        vclusterId: "ml",
      }),
    operation: "NodeEnroll",
    scope: "node:n2",
    viewerIsDenied: true,
  },
  "pact.enrollment.EnrollmentService/BatchRegisterNodes": {
    act: ({ ann }) =>
      ann.enrollment.batchRegisterNodes({
        nodes: [{ nodeId: "n3", hardwareIdentity: { macAddress: macOf(0x1003) } }],
      }),
    operation: "NodeEnroll",
    scope: "node:n3",
  },
  "pact.enrollment.EnrollmentService/AssignNode": {
    act: ({ ann }) => ann.enrollment.assignNode({ nodeId: "n3", vclusterId: "ml" }),
    operation: "NodeAssign",
    scope: "vc:ml",
    detail: "node n3",
    viewerIsDenied: true,
  },
  "pact.enrollment.EnrollmentService/MoveNode": {
    act: ({ ann }) => ann.enrollment.moveNode({ nodeId: "n3", toVclusterId: "bio" }),
    operation: "NodeMove",
    scope: "node:n3",
  },
  "pact.enrollment.EnrollmentService/UnassignNode": {
    act: ({ ann }) => ann.enrollment.unassignNode({ nodeId: "n3" }),
    operation: "NodeUnassign",
    scope: "node:n3",
    viewerIsDenied: true,
  },
  "pact.enrollment.EnrollmentService/DecommissionNode": {
    act: ({ ann }) => ann.enrollment.decommissionNode({ nodeId: "n3", force: true }),
    operation: "NodeDecommission",
    scope: "node:n3",
    viewerIsDenied: true,
  },
  "pact.enrollment.EnrollmentService/Enroll": {
    act: async ({ stranger }) => {
      const { csrDer } = await createKeyAndCsr("n2");
      await stranger.enrollment.enroll({
        hardwareIdentity: { macAddress: macOf(0x1002) },
        csr: csrDer,
      });
    },
    operation: "NodeEnroll",
    scope: "node:n2",
    actor: "system/pact-journal",
  },
  "pact.enrollment.EnrollmentService/RenewCert": {
    act: async ({ n1 }) => {
      const { csrDer } = await createKeyAndCsr("n1");
      await n1.enrollment.renewCert({
        currentCertSerial: n1.serial,
        csr: csrDer,
      });
    },
    operation: "CertRenew",
    scope: "node:n1",
    actor: "system/pact-journal",
  },
  "pact.journal.FleetService/UpdateBlacklist": {
    act: ({ ann }) => ann.fleet.updateBlacklist({ vclusterId: "ml", add: ["/scratch/**"] }),
    operation: "Blacklist",
    scope: "vc:ml",
    viewerIsDenied: true,
  },
  "pact.journal.FleetService/Promote": {
    act: async ({ ann }) => {
      await ann.config.appendEntry({ entry: commitOf("vm.dirty_ratio", N1) });
      await ann.fleet.promote({ nodeId: "n1" });
    },
    operation: "Promote",
    scope: "vc:ml",
  },
  "pact.journal.FleetService/ResolveConflict": {
    act: async ({ ann, n1 }) => {
      await n1.config.appendEntry({
        entry: {
          entryType: config.EntryType.DRIFT_DETECTED,
          scope: N1,
          policyRef: "local-changes:0",
          stateDelta: { kernel: [{ key: "vm.swappiness", declaredValue: "60" }] },
        },
      });
      const { conflicts: [open] } = await ann.fleet.listConflicts({});
      await ann.fleet.resolveConflict({ id: open?.id ?? "", accept: "journal" });
    },
    operation: "Commit",
    scope: "node:n1",
  },
  "pact.journal.FleetService/ChangeMembership": {
    act: ({ ann }) => ann.fleet.changeMembership({ operation: "promote", id: 1n }),
    operation: "MemberChange",
    scope: "global",
    viewerIsDenied: true,
  },
  "pact.policy.PolicyService/DecideApproval": {
    act: async ({ ann, bo }) => {
      await ann.policy.updatePolicy({
        vclusterId: "two",
        policy: { twoPersonApproval: true, emergencyAllowed: true },
      });
      const scope = { scope: { case: "vclusterId", value: "two" } } as const;
      await refusalOf(bo.config.appendEntry({ entry: { ...commitOf("vm.x", ML), scope } }));
      const { approvals: [pending] } = await ann.policy.listPendingApprovals({});
      const approvalId = pending?.approvalId ?? "";
      await ann.policy.decideApproval({ approvalId, decision: "approved" });
    },
    operation: "ApprovalDecision",
    scope: "vc:two",
  },
  "pact.lock.LockService/SetLock": {
    act: ({ ann }) =>
      createClient(lock.LockService, ann.transport)
        .setLock({ kind: "user", name: "eve", reason: "left" }),
    operation: "Lock",
    scope: "global",
    viewerIsDenied: true,
  },
  "pact.lock.LockService/ReleaseLock": {
    act: ({ ann }) =>
      createClient(lock.LockService, ann.transport).releaseLock({ kind: "user", name: "eve" }),
    operation: "Lock",
    scope: "global",
    viewerIsDenied: true,
  },
  "pact.journal.FleetService/AssignUid": {
    act: ({ n1 }) => n1.fleet.assignUid({ subject: "kim@idp", username: "kim" }),
    operation: "UidAssign",
    scope: "global",
    actor: "system/pact-journal",
  },
};

/** Methods that change nothing that anybody declared, or that only tell what a node is like. */
const NOTHING_CHANGED = [
  "grpc.health.v1.Health/Check",
  "grpc.health.v1.Health/Watch",
  "pact.journal.ConfigService/GetEntry",
  "pact.journal.ConfigService/GetNodeState",
  "pact.journal.ConfigService/ListEntries",
  "pact.journal.ConfigService/GetOverlay",
  "pact.journal.ConfigService/ListCheckpoints",
  "pact.policy.PolicyService/Evaluate",
  "pact.policy.PolicyService/GetEffectivePolicy",
  "pact.policy.PolicyService/ListPendingApprovals",
  "pact.lock.LockService/ListLocks",
  "pact.stream.BootConfigService/StreamBootConfig",
  "pact.stream.BootConfigService/SubscribeConfigUpdates",
  "pact.enrollment.EnrollmentService/ListNodes",
  "pact.enrollment.EnrollmentService/InspectNode",
  "pact.journal.FleetService/ListNodeStates",
  "pact.journal.FleetService/ReportNodeState",
  "pact.journal.FleetService/ReportCapability",
  "pact.journal.FleetService/GetCapability",
  "pact.journal.FleetService/ListVClusters",
  "pact.journal.FleetService/GetBlacklist",
  "pact.journal.FleetService/ListDeltas",
  "pact.journal.FleetService/ListConflicts",
  "pact.journal.FleetService/ListEmergencies",
  "pact.journal.FleetService/QueryAudit",
  "pact.journal.FleetService/GetClusterStatus",
  "pact.journal.FleetService/SubscribeNotifications",
  "pact.journal.FleetService/GetUidMap",
];

/** Shown in tests of their own. */
const ELSEWHERE = [
  "pact.policy.PolicyService/RedeemPermit",
];

/** A record as a line: operation, outcome, scope, actor. */
function line({ operationType, outcome, scope, actor }: journal.AuditRecord): string {
  return `${operationType} ${outcome} ${scopeText(scopeFromWire(scope))} ${actor?.principal}`;
}

async function records({ fleet }: JournalClients): Promise<journal.AuditRecord[]> {
  return await all(fleet.queryAudit({}));
}

Deno.test("AUD-1, AUD-2, AUD-5: every method that changes something leaves who, what, where and outcome on record", async (test) => {
  await using site = await openJournalSite();
  await site.register("seed", "bio");
  using ann = await site.as();
  using n1 = await site.node("n1", "ml");
  using stranger = site.dial();
  using bo = await site.as({ sub: "bo", role: "pact-ops-two" });
  using viewer = await site.as({ sub: "vi", role: "pact-viewer-ml" });
  await test.step("the table of this test holds every method", () => {
    assert.deepEqual(
      [...Object.keys(CHANGES), ...NOTHING_CHANGED, ...ELSEWHERE].sort(),
      Object.keys(METHOD_CREDENTIALS).sort(),
    );
  });
  for (const [method, change] of Object.entries(CHANGES)) {
    const { act, operation, scope, actor = "ann", detail, viewerIsDenied } = change;
    await test.step(`${method} is on record as ${operation}`, async () => {
      const before = new Set((await records(ann)).map(({ id }) => id));
      await act({ ann, bo, n1, stranger });
      const added = (await records(ann)).filter(({ id }) => !before.has(id));
      const expected = `${operation} Success ${scope} ${actor}`;
      assert.ok(added.map(line).includes(expected), `${expected} in ${added.map(line)}`);
      if (detail !== undefined) assert.equal(added[0]?.detail, detail);
      for (const record of added) {
        assert.notEqual(record.source, "", "a record says where it came from");
        assert.ok(record.timestamp !== undefined);
      }
    });
    if (viewerIsDenied !== true) continue;
    await test.step(`${method} by a viewer is on record as denied`, async () => {
      const before = new Set((await records(ann)).map(({ id }) => id));
      const { message } = await refusalOf(act({ ann: viewer, bo, n1, stranger }));
      const [denied, ...others] = (await records(ann)).filter(({ id }) => !before.has(id));
      assert.deepEqual(others.map(line), []);
      assert.ok(denied !== undefined, "a refused change is on record");
      assert.equal(line(denied), `${operation} Denied ${scope} vi`);
      assert.equal(denied.detail, message);
      assert.match(denied.metadata["policy_ref"] ?? "", /^rbac:denied:/);
    });
  }
});

Deno.test("AUD-2, ENR-25: calls without a valid credential are on record, those alike as one record with their count", async () => {
  await using site = await openJournalSite();
  using ann = await site.as();
  const expired = await site.token({ lifetimeSeconds: -100 });
  for (const token of ["garbage", "garbage", "garbage", expired]) {
    using clients = site.dial({ token: () => token });
    await refusalOf(clients.fleet.listVClusters({}));
  }
  const refused = () => records(ann).then((found) => found.filter(isRefusal));
  await waitFor(async () => (await refused()).length > 0, { what: "the record" });
  const [first] = await refused();
  assert.equal(first?.outcome, "Denied");
  assert.equal(first?.detail, "invalid token: malformed");
  assert.equal(first?.metadata["method"], "pact.journal.FleetService/ListVClusters");
  assert.equal(first?.metadata["code"], "UNAUTHENTICATED");
  assert.equal(first?.source, "127.0.0.1");
  assert.equal((await refused()).length, 1, "a flood costs one record in ten seconds");
});

function isRefusal({ operationType }: journal.AuditRecord): boolean {
  return operationType === "Authenticate";
}

const SECRETS = {
  token: "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtYWxsb3J5In0.c2lnbmF0dXJlLW9mLW1hbGxvcnk",
  password: "hunter2-is-planted",
  key: "MHcCAQEEIPlantedPrivateKeyBytes",
};

Deno.test("AUT-13, AUD-6: a planted secret is in no record, no log line, no error and no metric", async () => {
  const lines: string[] = [];
  const log = createLogger({
    component: "journal",
    level: "debug",
    format: "json",
    nowMs: () => Date.now(),
    write: (text) => lines.push(text),
  });
  await using site = await openJournalSite({ log });
  using ann = await site.as({}, [reason(`token=${SECRETS.token} --password ${SECRETS.password}`)]);
  using n1 = await site.node("n1", "ml");
  await ann.enrollment.assignNode({ nodeId: "n1", vclusterId: "ml" });
  await n1.config.appendEntry({
    entry: {
      entryType: config.EntryType.EXEC_LOG,
      scope: N1,
      author: { principal: "bo", principalType: "Human", role: "pact-ops-ml" },
      policyRef: "rbac:default:exec",
      message: JSON.stringify({
        command: "mysql",
        args: `--password ${SECRETS.password} --execute "SELECT"`,
        refused: `-----BEGIN PRIVATE KEY-----\n${SECRETS.key}\n-----END PRIVATE KEY-----`,
      }),
    },
  });
  await ann.policy.updatePolicy({
    vclusterId: "two",
    policy: { twoPersonApproval: true, emergencyAllowed: true },
  });
  using olga = await site.as({ sub: "olga", role: "pact-ops-two" }, [
    reason(`secret=${SECRETS.password}`),
  ]);
  const two = { scope: { case: "vclusterId", value: "two" } } as const;
  await refusalOf(olga.config.appendEntry({ entry: { ...commitOf("vm.x", ML), scope: two } }));
  const { approvals: [held] } = await ann.policy.listPendingApprovals({});
  await ann.policy.decideApproval({ approvalId: held?.approvalId ?? "", decision: "approved" });
  const errors: string[] = [];
  for (const token of [SECRETS.token, SECRETS.password, `Bearer ${SECRETS.token}`]) {
    using thief = site.dial({ token: () => token });
    errors.push((await refusalOf(thief.fleet.listVClusters({}))).message);
  }
  await waitFor(async () => (await records(ann)).some(isRefusal), { what: "the refusal's record" });
  const metrics = await (await fetch(site.http("/metrics"))).text();
  const kept = await records(ann);
  assert.ok(kept.some((record) => line(record) === "Exec Denied node:n1 bo"));
  assert.ok(kept.some(({ metadata }) => metadata["reason"]?.includes("***")));
  assert.ok(kept.some((record) => line(record) === "Commit Success vc:two olga"));
  const everything = { records: kept.map(text), lines, errors, metrics: [metrics] };
  for (const [where, texts] of Object.entries(everything)) {
    for (const secret of Object.values(SECRETS)) {
      assert.equal(texts.some((each) => each.includes(secret)), false, `a secret in ${where}`);
    }
  }
});

function text({ detail, source, metadata }: journal.AuditRecord): string {
  return JSON.stringify([detail, source, metadata]);
}

/** Sends a reason with every call. */
function reason(words: string): Interceptor {
  return (next) => (request) => {
    request.header.set("x-pact-reason", words);
    return next(request);
  };
}

Deno.test("POL-27: a record keeps what its decision needs, so that another policy can decide it again", async () => {
  await using site = await openJournalSite();
  await site.register("n1", "ml");
  using bo = await site.as({ sub: "bo", role: ["pact-ops-ml", "pact-viewer-bio"] });
  await bo.config.appendEntry({ entry: commitOf("vm.swappiness", N1) });
  using ann = await site.as();
  const record = (await records(ann)).find((each) => line(each) === "Commit Success node:n1 bo");
  assert.deepEqual({ ...record?.metadata, client: "" }, {
    policy_ref: "rbac:default:commit",
    roles: "pact-ops-ml pact-viewer-bio",
    vcluster: "ml",
    categories: "kernel",
    keys: "kernel:vm.swappiness",
    count: "1",
    client: "",
  });
});

Deno.test("AE-3: what an agent did for a person is the person's, and says by which certificate", async () => {
  await using site = await openJournalSite();
  using n1 = await site.node("n1", "ml");
  const author = { principal: "bo", principalType: "Human", role: "pact-ops-ml" };
  await n1.config.appendEntry({
    entry: {
      entryType: config.EntryType.SERVICE_LIFECYCLE,
      scope: N1,
      author,
      message: "ServiceRestart chronyd: asked for",
    },
  });
  using ann = await site.as();
  const record = (await records(ann)).find(({ operationType }) =>
    operationType === "ServiceRestart"
  );
  assert.equal(record && line(record), "ServiceRestart Success node:n1 bo");
  assert.equal(record?.metadata["via"], agentName("n1"));
  assert.equal(record?.metadata["service"], "chronyd");
});
