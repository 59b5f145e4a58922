import assert from "node:assert/strict";
import { config } from "../../../../api/mod.ts";
import {
  all,
  type JournalClients,
  openJournalSite,
  refusalOf,
} from "../../../support/journal/mod.ts";

const { EntryType, DeltaAction } = config;
const ml = { scope: { case: "vclusterId", value: "ml" } } as const;
const onNode = (value: string) => ({ scope: { case: "nodeId", value } }) as const;

async function declare(
  { config }: JournalClients,
  scope: typeof ml | ReturnType<typeof onNode>,
  values: Readonly<Record<string, string>>,
): Promise<bigint> {
  const kernel = Object.entries(values).map(([key, declaredValue]) => ({
    key,
    declaredValue,
    action: DeltaAction.MODIFY,
  }));
  const entry = { entryType: EntryType.COMMIT, scope, stateDelta: { kernel } };
  return (await config.appendEntry({ entry })).sequence;
}

/** Sysctl keys a node declares beyond its vCluster. */
async function deltasOf({ fleet }: JournalClients, nodeId: string) {
  const { deltas } = await fleet.listDeltas({ nodeId });
  return Object.fromEntries(
    deltas.flatMap(({ stateDelta }) => stateDelta?.kernel ?? [])
      .map(({ key, declaredValue }) => [key, declaredValue]),
  );
}

async function sysctlOf({ config }: JournalClients): Promise<Record<string, string>> {
  const { data } = await config.getOverlay({ vclusterId: "ml" });
  return JSON.parse(new TextDecoder().decode(data)).sysctl;
}

Deno.test("JRN-26: what an agent reports of its node is what the fleet shows", async () => {
  await using site = await openJournalSite();
  const ann = await site.as();
  const n1 = await site.node("n1", "ml");
  await site.register("n2", "ml");
  await site.register("n3", "ai");
  await n1.fleet.reportNodeState({
    nodeId: "n1",
    configState: "Drifted",
    drift: { kernel: 2, total: 2 },
    driftItems: { kernel: [{ key: "vm.swappiness", declaredValue: "10", actualValue: "60" }] },
    supervisor: { backend: "pact", servicesDeclared: 3, servicesRunning: 2, servicesFailed: 1 },
    overlayVersion: 4n,
    memoryTotal: 1024n,
    unavailable: ["x".repeat(1000), ...new Array<string>(200).fill("gpu:0: no tool")],
  });
  const { nodes } = await ann.fleet.listNodeStates({ vclusterId: "ml" });
  assert.deepEqual(
    nodes.map(({ nodeId, configState, enrollmentState }) => [
      nodeId,
      configState,
      enrollmentState,
    ]),
    [["n1", "Drifted", "Active"], ["n2", "ObserveOnly", "Registered"]],
  );
  const [detail] = nodes;
  assert.equal(detail?.drift?.total, 2);
  assert.equal(detail?.driftItems?.kernel[0]?.actualValue, "60");
  assert.equal(detail?.supervisor?.servicesFailed, 1);
  assert.equal(detail?.overlayVersion, 4n);
  const { unavailable = [] } = detail ?? {};
  assert.deepEqual([unavailable.length, unavailable[0]?.length], [100, 512], "bounded");
  assert.equal(unavailable[1], "gpu:0: no tool");
  assert.ok(Date.now() - Number(detail?.lastSeen?.seconds) * 1000 < 10_000, "HB-1: it just called");
  const state = await ann.config.getNodeState({ nodeId: "n1" });
  assert.equal(state.configState, "Drifted");
  assert.equal(state.detail?.memoryTotal, 1024n);
  const filtered = await ann.fleet.listNodeStates({ stateFilter: "drifted" });
  assert.deepEqual(filtered.nodes.map(({ nodeId }) => nodeId), ["n1"]);
  const page = await ann.fleet.listNodeStates({ pageSize: 2 });
  const rest = await ann.fleet.listNodeStates({ pageSize: 2, pageToken: page.nextPageToken });
  assert.deepEqual(rest.nodes.map(({ nodeId }) => nodeId), ["n3"]);

  const viewer = await site.as("pact-viewer-ml");
  const visible = await viewer.fleet.listNodeStates({});
  assert.deepEqual(visible.nodes.map(({ nodeId }) => nodeId), ["n1", "n2"]);
  assert.equal((await refusalOf(ann.config.getNodeState({ nodeId: "x" }))).code, "NOT_FOUND");
  const foreign = await refusalOf(
    n1.fleet.reportNodeState({ nodeId: "n2", configState: "Committed" }),
  );
  assert.equal(foreign.code, "PERMISSION_DENIED");
  const odd = await refusalOf(n1.fleet.reportNodeState({ nodeId: "n1", configState: "Happy" }));
  assert.equal(odd.code, "INVALID_ARGUMENT");
  const filter = await refusalOf(ann.fleet.listNodeStates({ stateFilter: "happy" }));
  assert.equal(filter.code, "INVALID_ARGUMENT");
});

Deno.test("a capability report comes back as it was sent; one over 32 KiB is refused", async () => {
  await using site = await openJournalSite();
  const ann = await site.as();
  const n1 = await site.node("n1", "ml");
  const none = await refusalOf(ann.fleet.getCapability({ nodeId: "n1" }));
  assert.equal(none.code, "NOT_FOUND");
  await n1.fleet.reportCapability({
    nodeId: "n1",
    memory: { totalBytes: 2n ** 40n },
    gpus: [{ index: 0, model: "H100" }],
  });
  const report = await ann.fleet.getCapability({ nodeId: "n1" });
  assert.equal(report.memory?.totalBytes, 2n ** 40n);
  assert.equal(report.gpus[0]?.model, "H100");
  const large = n1.fleet.reportCapability({
    nodeId: "n1",
    gpus: [{ model: "x".repeat(40_000) }],
  });
  assert.equal((await refusalOf(large)).code, "INVALID_ARGUMENT");
});

Deno.test("VCP-6: a vCluster is listed by its policy, its nodes or an entry, to those who may see it", async () => {
  await using site = await openJournalSite();
  const ann = await site.as();
  await declare(ann, ml, { a: "1" });
  await ann.policy.updatePolicy({ vclusterId: "ruled", policy: { regulated: true } });
  await site.register("n1", "full");
  const list = async (clients: JournalClients) => (await clients.fleet.listVClusters({})).vclusters;
  const listed = await list(ann);
  assert.deepEqual(
    listed.map(({ vclusterId, nodeCount, regulated }) => [vclusterId, nodeCount, regulated]),
    [["full", 1, false], ["ml", 0, false], ["ruled", 0, true]],
  );
  const viewer = await site.as("pact-viewer-full");
  assert.deepEqual((await list(viewer)).map(({ vclusterId }) => vclusterId), ["full"]);
});

Deno.test("the drift blacklist is kept once, in order, beside the defaults", async () => {
  await using site = await openJournalSite();
  const operator = await site.as("pact-ops-ml");
  const update = (change: { add?: string[]; remove?: string[] }) =>
    operator.fleet.updateBlacklist({ vclusterId: "ml", ...change });
  await update({ add: ["/scratch/**", "/a"] });
  const after = await update({ add: ["/b", "/a"], remove: ["/scratch/**"] });
  assert.deepEqual(after.patterns, ["/a", "/b"]);
  assert.ok(after.defaults.includes("/proc/**"));
  const many = Array.from({ length: 1001 }, (_, index) => `/${index}`);
  assert.equal((await refusalOf(update({ add: many }))).code, "INVALID_ARGUMENT");
});

Deno.test("CON-4: a promotion moves a node's deltas to its vCluster, and the node follows the vCluster from then on", async () => {
  await using site = await openJournalSite();
  const ann = await site.as();
  const n1 = await site.node("n1", "ml");
  await declare(n1, onNode("n1"), { shared: "7", kept: "1" });
  const { warnings } = await ann.fleet.listNodeStates({ vclusterId: "ml" });
  assert.deepEqual(warnings.map(({ nodeId, keys }) => [nodeId, keys]), [
    ["n1", ["kernel:kept", "kernel:shared"]],
  ], "JRN-34");
  const dry = await ann.fleet.promote({ nodeId: "n1", dryRun: true, keys: ["kernel:shared"] });
  assert.equal(dry.sequence, undefined);
  assert.deepEqual(dry.delta?.kernel.map(({ key }) => key), ["shared"]);
  const headers = { "x-pact-request-id": "promote-1" };
  const request = { nodeId: "n1", keys: ["kernel:shared"], message: "works well" };
  const done = await ann.fleet.promote(request, { headers });
  assert.equal((await sysctlOf(ann))["shared"], "7");
  assert.deepEqual(await deltasOf(ann, "n1"), { kept: "1" });
  // JRN-57: repeated, it gives its first answer.
  assert.equal((await ann.fleet.promote(request, { headers })).sequence, done.sequence);
  // What the vCluster declares later reaches the node: no delta of its own stands in the way.
  await declare(ann, ml, { shared: "8" });
  assert.deepEqual(await deltasOf(ann, "n1"), { kept: "1" });
  const entry = await ann.config.getEntry({ sequence: done.sequence ?? 0n });
  assert.equal(entry.policyRef, "promote:n1");
  assert.equal(entry.message, "works well");
  const history = await all(
    ann.config.listEntries({ scope: onNode("n1"), entryTypes: [EntryType.ROLLBACK] }),
  );
  assert.deepEqual(
    history.map(({ policyRef, stateDelta }) => [policyRef, stateDelta?.kernel.length]),
    [
      [`promoted:${done.sequence}`, 1],
    ],
  );
  const nothing = await refusalOf(ann.fleet.promote({ nodeId: "n1", keys: ["kernel:shared"] }));
  assert.equal(nothing.code, "PRECONDITION");
});

Deno.test("CON-4: where other nodes differ, each needs a decision; overwrite ends their delta, keep leaves it", async () => {
  await using site = await openJournalSite();
  const ann = await site.as();
  const nodes = new Map<string, JournalClients>();
  for (const nodeId of ["n1", "n2", "n3", "n4"]) nodes.set(nodeId, await site.node(nodeId, "ml"));
  const own = async (nodeId: string, values: Record<string, string>) => {
    const agent = nodes.get(nodeId);
    if (agent !== undefined) await declare(agent, onNode(nodeId), values);
  };
  await own("n1", { k: "1" });
  await own("n2", { k: "2", other: "2" });
  await own("n3", { k: "3" });
  await own("n4", { k: "1" });
  const refusal = await refusalOf(ann.fleet.promote({ nodeId: "n1" }));
  assert.equal(refusal.code, "PROMOTE_CONFLICT");
  assert.match(refusal.message, /kernel:k on n2, kernel:k on n3/);
  const dry = await ann.fleet.promote({ nodeId: "n1", dryRun: true });
  assert.deepEqual(
    dry.conflicts.map(({ nodeId, promotedValue, localValue }) => [
      nodeId,
      promotedValue,
      localValue,
    ]),
    [["n2", "1", "2"], ["n3", "1", "3"]],
  );
  const decide = (nodeId: string, decision: string) => ({
    nodeId,
    category: "kernel",
    key: "k",
    decision,
  });
  const half = ann.fleet.promote({ nodeId: "n1", decisions: [decide("n2", "overwrite")] });
  assert.equal((await refusalOf(half)).code, "PROMOTE_CONFLICT");
  const done = await ann.fleet.promote({
    nodeId: "n1",
    decisions: [decide("n2", "overwrite"), decide("n3", "keep")],
  });
  assert.equal((await sysctlOf(ann))["k"], "1");
  assert.deepEqual(await deltasOf(ann, "n1"), {});
  assert.deepEqual(await deltasOf(ann, "n2"), { other: "2" });
  assert.deepEqual(await deltasOf(ann, "n3"), { k: "3" });
  const [overwritten] = await all(
    ann.config.listEntries({ scope: onNode("n2"), entryTypes: [EntryType.ROLLBACK] }),
  );
  assert.match(overwritten?.message ?? "", /overwritten by the promotion of n1/);
  assert.equal(overwritten?.parent, done.sequence);
  const [record] = await all(ann.fleet.queryAudit({ operationTypes: ["Promote"] }));
  assert.equal(record?.outcome, "Success");
});

Deno.test("a restart keeps entries, state, nodes and their certificates", async () => {
  await using site = await openJournalSite();
  const before = await site.as();
  const n1 = await site.node("n1", "ml");
  await declare(before, ml, { a: "1" });
  await n1.fleet.reportNodeState({ nodeId: "n1", configState: "Committed" });
  const entries = await all(before.config.listEntries({}));
  const { certPem, keyPem } = n1;
  await site.stop();
  await site.start();
  const after = await site.as();
  assert.deepEqual(await all(after.config.listEntries({})), entries);
  assert.equal((await after.config.getNodeState({ nodeId: "n1" })).configState, "Committed");
  assert.deepEqual(await sysctlOf(after), { a: "1" });
  const again = site.dial({ certPem, keyPem });
  await again.fleet.reportNodeState({ nodeId: "n1", configState: "Drifted" });
});
