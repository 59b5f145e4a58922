import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import * as http2 from "node:http2";
import { config, type journal } from "../../../../api/mod.ts";
import { METHOD_CREDENTIALS } from "../../../../journal/access/mod.ts";
import {
  all,
  type JournalClients,
  type JournalSite,
  openJournalSite,
  refusalOf,
} from "../../../support/journal/mod.ts";

const ml = { scope: { case: "vclusterId", value: "ml" } } as const;
const commit: journal.AppendEntryRequest["entry"] extends infer _ ? object : never = {
  entryType: config.EntryType.COMMIT,
  scope: ml,
};

/** The approval that somebody asked for. */
const asked = { id: "" };

/** A call of each method, whether a viewer of `ml` may make it, and a role that may. */
const CALLS: Readonly<
  Record<string, {
    readonly call: (clients: JournalClients) => Promise<unknown>;
    readonly viewer: "allowed" | "refused";
    readonly role?: string;
  }>
> = {
  "pact.journal.ConfigService/AppendEntry": {
    call: ({ config }) => config.appendEntry({ entry: commit }),
    viewer: "refused",
    role: "pact-ops-ml",
  },
  "pact.journal.ConfigService/GetEntry": {
    call: ({ config }) => config.getEntry({ sequence: 0n }),
    viewer: "allowed",
  },
  "pact.journal.ConfigService/GetNodeState": {
    call: ({ config }) => config.getNodeState({ nodeId: "n1" }),
    viewer: "allowed",
  },
  "pact.journal.ConfigService/ListEntries": {
    call: ({ config }) => all(config.listEntries({ scope: ml })),
    viewer: "allowed",
  },
  "pact.journal.ConfigService/GetOverlay": {
    call: ({ config }) => config.getOverlay({ vclusterId: "ml" }),
    viewer: "allowed",
  },
  "pact.journal.ConfigService/ListCheckpoints": {
    call: ({ config }) => all(config.listCheckpoints({})),
    viewer: "allowed",
  },
  "pact.policy.PolicyService/Evaluate": {
    call: ({ policy }) => policy.evaluate({ action: "commit", scope: ml }),
    viewer: "allowed",
  },
  "pact.policy.PolicyService/GetEffectivePolicy": {
    call: ({ policy }) => policy.getEffectivePolicy({ vclusterId: "ml" }),
    viewer: "allowed",
  },
  "pact.policy.PolicyService/UpdatePolicy": {
    call: ({ policy }) => policy.updatePolicy({ vclusterId: "ml", policy: {} }),
    viewer: "refused",
  },
  "pact.policy.PolicyService/ListPendingApprovals": {
    call: ({ policy }) => policy.listPendingApprovals({}),
    viewer: "allowed",
  },
  "pact.policy.PolicyService/DecideApproval": {
    call: ({ policy }) => policy.decideApproval({ approvalId: asked.id, decision: "approved" }),
    viewer: "refused",
    role: "pact-ops-ml",
  },
  "pact.lock.LockService/SetLock": {
    call: ({ lock }) => lock.setLock({ kind: "user", name: "mallory", reason: "a laptop is gone" }),
    viewer: "refused",
  },
  "pact.lock.LockService/ReleaseLock": {
    call: ({ lock }) => lock.releaseLock({ kind: "user", name: "mallory" }),
    viewer: "refused",
  },
  "pact.lock.LockService/ListLocks": {
    call: ({ lock }) => lock.listLocks({}),
    viewer: "refused",
  },
  "pact.stream.BootConfigService/StreamBootConfig": {
    call: ({ boot }) => all(boot.streamBootConfig({ nodeId: "n1", vclusterId: "ml" })),
    viewer: "refused",
  },
  "pact.stream.BootConfigService/SubscribeConfigUpdates": {
    call: ({ boot }) => first(boot.subscribeConfigUpdates({ vclusterId: "ml", fromSequence: 0n })),
    viewer: "allowed",
  },
  "pact.enrollment.EnrollmentService/RegisterNode": {
    call: ({ enrollment }) =>
      enrollment.registerNode({
        nodeId: "n2",
        hardwareIdentity: { macAddress: "02:00:00:00:01:00" },
      }),
    viewer: "refused",
  },
  "pact.enrollment.EnrollmentService/BatchRegisterNodes": {
    call: ({ enrollment }) => enrollment.batchRegisterNodes({ nodes: [] }),
    viewer: "refused",
  },
  "pact.enrollment.EnrollmentService/AssignNode": {
    call: ({ enrollment }) => enrollment.assignNode({ nodeId: "n2", vclusterId: "ml" }),
    viewer: "refused",
    role: "pact-ops-ml",
  },
  "pact.enrollment.EnrollmentService/UnassignNode": {
    call: ({ enrollment }) => enrollment.unassignNode({ nodeId: "n2" }),
    viewer: "refused",
    role: "pact-ops-ml",
  },
  "pact.enrollment.EnrollmentService/MoveNode": {
    call: ({ enrollment }) => enrollment.moveNode({ nodeId: "n2", toVclusterId: "ai" }),
    viewer: "refused",
  },
  "pact.enrollment.EnrollmentService/DecommissionNode": {
    call: ({ enrollment }) => enrollment.decommissionNode({ nodeId: "n2" }),
    viewer: "refused",
  },
  "pact.enrollment.EnrollmentService/ListNodes": {
    call: ({ enrollment }) => enrollment.listNodes({}),
    viewer: "allowed",
  },
  "pact.enrollment.EnrollmentService/InspectNode": {
    call: ({ enrollment }) => enrollment.inspectNode({ nodeId: "n1" }),
    viewer: "allowed",
  },
  "pact.journal.FleetService/ListNodeStates": {
    call: ({ fleet }) => fleet.listNodeStates({ vclusterId: "ml" }),
    viewer: "allowed",
  },
  "pact.journal.FleetService/GetCapability": {
    call: ({ fleet }) => fleet.getCapability({ nodeId: "n1" }),
    viewer: "allowed",
  },
  "pact.journal.FleetService/ListVClusters": {
    call: ({ fleet }) => fleet.listVClusters({}),
    viewer: "allowed",
  },
  "pact.journal.FleetService/GetBlacklist": {
    call: ({ fleet }) => fleet.getBlacklist({ vclusterId: "ml" }),
    viewer: "allowed",
  },
  "pact.journal.FleetService/UpdateBlacklist": {
    call: ({ fleet }) => fleet.updateBlacklist({ vclusterId: "ml", add: ["/scratch/**"] }),
    viewer: "refused",
    role: "pact-ops-ml",
  },
  "pact.journal.FleetService/ListDeltas": {
    call: ({ fleet }) => fleet.listDeltas({ nodeId: "n1" }),
    viewer: "allowed",
  },
  "pact.journal.FleetService/Promote": {
    call: ({ fleet }) => fleet.promote({ nodeId: "n1", dryRun: true }),
    viewer: "refused",
    role: "pact-ops-ml",
  },
  "pact.journal.FleetService/ListEmergencies": {
    call: ({ fleet }) => fleet.listEmergencies({}),
    viewer: "allowed",
  },
  "pact.journal.FleetService/ListConflicts": {
    call: ({ fleet }) => fleet.listConflicts({}),
    viewer: "allowed",
  },
  "pact.journal.FleetService/ResolveConflict": {
    // Each call decides a conflict of its own; a viewer is refused before it is looked for.
    call: async ({ fleet }) => {
      const { conflicts: [open] } = await fleet.listConflicts({});
      return await fleet.resolveConflict({ id: open?.id ?? "", accept: "journal" });
    },
    viewer: "refused",
    role: "pact-ops-ml",
  },
  "pact.journal.FleetService/SubscribeNotifications": {
    call: ({ fleet }) => openFor(100, (options) => fleet.subscribeNotifications({}, options)),
    viewer: "allowed",
  },
  "pact.journal.FleetService/QueryAudit": {
    call: ({ fleet }) => all(fleet.queryAudit({})),
    viewer: "refused",
    role: "pact-ops-ml",
  },
  "pact.journal.FleetService/GetClusterStatus": {
    call: ({ fleet }) => fleet.getClusterStatus({}),
    viewer: "allowed",
  },
  "pact.journal.FleetService/ChangeMembership": {
    call: ({ fleet }) => fleet.changeMembership({ operation: "promote", id: 1n }),
    viewer: "refused",
  },
};

/** Called by nodes alone, with their certificate: see the tests of nodes. */
const NODES_ONLY = [
  "pact.policy.PolicyService/RedeemPermit",
  "pact.enrollment.EnrollmentService/RenewCert",
  "pact.journal.FleetService/ReportNodeState",
  "pact.journal.FleetService/ReportCapability",
  "pact.journal.FleetService/AssignUid",
  "pact.journal.FleetService/GetUidMap",
];

Deno.test("API-91: every method is refused without credentials, before its body is read; a viewer cannot write; the required role can", async (test) => {
  await using site = await openJournalSite();
  await furnish(site);
  const guarded = Object.entries(METHOD_CREDENTIALS).filter(([, rule]) => rule !== "none");

  await test.step("the table of this test holds every method", () => {
    const known = [...Object.keys(CALLS), ...NODES_ONLY];
    assert.deepEqual(known.sort(), guarded.map(([method]) => method).sort());
  });
  for (const [method] of guarded) {
    await test.step(`${method}: no credentials, no body read`, async () => {
      // The body never comes: an answer shows that nobody waited for it.
      const trailer = await callWithoutBody(site, method);
      assert.equal(trailer["grpc-status"], "16");
      assert.equal(trailer["x-pact-error"], "UNAUTHENTICATED");
    });
  }
  const viewer = await site.as("pact-viewer-ml");
  for (const [method, { call, viewer: outcome, role }] of Object.entries(CALLS)) {
    await test.step(`${method}: a viewer is ${outcome}`, async () => {
      if (outcome === "allowed") return void await call(viewer);
      assert.equal((await refusalOf(call(viewer))).code, "PERMISSION_DENIED");
    });
    await test.step(`${method}: ${role ?? "pact-platform-admin"} is allowed`, async () => {
      await call(await site.as(role ?? "pact-platform-admin"));
    });
  }
  for (const method of NODES_ONLY) {
    await test.step(`${method}: a person's token is not a node's certificate`, async () => {
      const trailer = await callWithoutBody(site, method, await site.token());
      assert.equal(trailer["x-pact-error"], "UNAUTHENTICATED");
    });
  }
});

async function furnish(site: JournalSite): Promise<void> {
  const admin = await site.as();
  await admin.config.appendEntry({ entry: commit });
  const node = await site.node("n1", "ml");
  await node.fleet.reportCapability({ nodeId: "n1" });
  await node.config.appendEntry({
    entry: {
      entryType: config.EntryType.COMMIT,
      scope: { scope: { case: "nodeId", value: "n1" } },
      stateDelta: { kernel: [{ key: "vm.swappiness", declaredValue: "10" }] },
    },
  });
  const regulated = await site.as("pact-regulated-ml");
  const waiting = regulated.fleet.updateBlacklist({ vclusterId: "ml", add: ["/x/**"] });
  asked.id = (await refusalOf(waiting)).trailers["x-pact-approval-id"] ?? "";
  await node.config.appendEntry({
    entry: {
      entryType: config.EntryType.DRIFT_DETECTED,
      scope: { scope: { case: "nodeId", value: "n1" } },
      policyRef: "local-changes:0",
      stateDelta: { kernel: [{ key: "vm.swappiness", declaredValue: "60" }] },
    },
  });
}

/** A stream that has nothing to say is open until its time is over, and no sooner. */
async function openFor(
  timeoutMs: number,
  open: (options: { readonly timeoutMs: number }) => AsyncIterable<unknown>,
): Promise<void> {
  const { code } = await refusalOf(all(open({ timeoutMs })));
  if (code !== "DEADLINE") throw new Error(`the stream ended with ${code}`);
}

async function first<T>(messages: AsyncIterable<T>): Promise<T> {
  for await (const message of messages) return message;
  throw new Error("the stream ended without a message");
}

/** Opens a call whose body never ends, and returns how it is answered. */
async function callWithoutBody(
  site: JournalSite,
  method: string,
  token?: string,
): Promise<Record<string, unknown>> {
  const { promise, resolve, reject } = Promise.withResolvers<Record<string, unknown>>();
  const session = http2.connect(`https://127.0.0.1:${site.journal.rpcPort}`, { ca: site.caPem });
  session.on("error", reject);
  const stream = session.request({
    ":method": "POST",
    ":path": `/${method}`,
    "content-type": "application/grpc",
    te: "trailers",
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  });
  stream.on("response", (headers) => {
    if (headers["grpc-status"] !== undefined) resolve({ ...headers });
  });
  stream.on("trailers", (trailers) => resolve({ ...trailers }));
  stream.on("error", reject);
  stream.on("data", () => {});
  stream.write(Buffer.from([0, 0, 0, 0, 9]));
  try {
    return await promise;
  } finally {
    stream.close();
    session.close();
  }
}
