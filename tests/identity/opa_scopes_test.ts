import assert from "node:assert/strict";
import { all, refusalOf } from "../support/journal/mod.ts";
import { needingPeer } from "../support/mod.ts";
import {
  BASE_POLICIES as BASE,
  CHANGES,
  setPolicy,
  siteWith,
  startOpa,
  vc,
} from "../support/opa/mod.ts";

Deno.test(
  await needingPeer(
    "opa",
    "OPA-8: lists leave out what rules keep from being read in a regulated vCluster",
  ),
  async () => {
    const rules = `package pact.vcluster.bio
deny contains "not on Sundays" if {
	input.action in {"status", "log", "audit"}
	input.principal == "vi"
}`;
    await using opa = await startOpa({ load: [BASE], modules: { "bio.rego": rules } });
    await using site = await siteWith(opa);
    await setPolicy(site, "bio", { regulated: true });
    await site.register("n1", "bio");
    await site.register("n2", "ml");
    const listed = async (sub: string) => {
      const clients = await site.as({ sub, role: ["pact-ops-bio", "pact-ops-ml"] });
      const { vclusters } = await clients.fleet.listVClusters({});
      const { nodes: states } = await clients.fleet.listNodeStates({});
      const { nodes } = await clients.enrollment.listNodes({});
      const entries = await all(clients.config.listEntries({}));
      return {
        vclusters: vclusters.map(({ vclusterId }) => vclusterId),
        states: states.map(({ nodeId }) => nodeId),
        nodes: nodes.map(({ nodeId }) => nodeId),
        ofBio: entries.filter(({ scope }) => scope?.scope.value === "bio").length > 0,
      };
    };
    assert.deepEqual(await listed("vi"), {
      vclusters: ["ml"],
      states: ["n2"],
      nodes: ["n2"],
      ofBio: false,
    });
    assert.deepEqual(await listed("bo"), {
      vclusters: ["bio", "ml"],
      states: ["n1", "n2"],
      nodes: ["n1", "n2"],
      ofBio: true,
    });
    const vi = await site.as({ sub: "vi", role: "pact-ops-bio" });
    assert.equal(
      (await refusalOf(vi.enrollment.inspectNode({ nodeId: "n1" }))).code,
      "PERMISSION_DENIED",
    );
  },
);

Deno.test(
  await needingPeer(
    "opa",
    "ACC-P5: a commit on a node is allowed to ops of its vCluster, to others it is not, and rules come after",
  ),
  async () => {
    const rules = `package pact.vcluster.ml
deny contains "n2 is kept" if input.scope.node == "n2"`;
    await using opa = await startOpa({ load: [BASE], modules: { "ml.rego": rules } });
    await using site = await siteWith(opa);
    for (const node of ["n1", "n2"]) await site.register(node, "ml");
    const commitOn = (nodeId: string) => ({
      entry: {
        entryType: 1,
        scope: { scope: { case: "nodeId", value: nodeId } } as const,
        stateDelta: CHANGES["kernel"] ?? {},
      },
    });
    const ml = await site.as("pact-ops-ml");
    await ml.config.appendEntry(commitOn("n1"));
    assert.equal((await refusalOf(ml.config.appendEntry(commitOn("n2")))).message, "n2 is kept");
    const bio = await site.as("pact-ops-bio");
    const foreign = await refusalOf(bio.config.appendEntry(commitOn("n1")));
    assert.equal(foreign.code, "PERMISSION_DENIED");
    assert.match(foreign.message, /scoped to vCluster bio, not ml \(P3\)/);
  },
);

Deno.test(
  await needingPeer("opa", "ACC-P6: a wildcard binding gives no emergency, whatever rules allow"),
  async () => {
    await using opa = await startOpa({ load: [BASE] });
    await using site = await siteWith(opa);
    using admin = await site.as();
    await admin.policy.updatePolicy({
      vclusterId: "ml",
      policy: {
        vclusterId: "ml",
        roleBindings: [{ role: "site-oncall", principals: ["bo"], allowedActions: ["*"] }],
      },
    });
    const bo = await site.as({ sub: "bo", role: "site-oncall" });
    const ask = (action: string) => bo.policy.evaluate({ action, scope: vc("ml") });
    const { authorized, denialReason } = await ask("commit");
    assert.deepEqual([authorized, denialReason], [true, undefined]);
    assert.equal((await ask("emergency_start")).authorized, false);
  },
);

Deno.test(
  await needingPeer("opa", "OPA-4: a promotion is asked about with what it would promote"),
  async () => {
    const rules = `package pact.vcluster.ml
deny contains concat("", ["not for all: ", input.change.keys[0]]) if {
	input.action == "promote"
	input.drift_category == "kernel"
}`;
    await using opa = await startOpa({ load: [BASE], modules: { "ml.rego": rules } });
    await using site = await siteWith(opa);
    for (const node of ["n1", "n2"]) await site.register(node, "ml");
    const ops = await site.as("pact-ops-ml");
    const commit = async (nodeId: string, category: string) => {
      const scope = { scope: { case: "nodeId", value: nodeId } } as const;
      const stateDelta = CHANGES[category] ?? {};
      await ops.config.appendEntry({ entry: { entryType: 1, scope, stateDelta } });
    };
    await commit("n1", "kernel");
    await commit("n2", "files");
    const { message } = await refusalOf(ops.fleet.promote({ nodeId: "n1" }));
    assert.equal(message, "not for all: kernel:vm.swappiness");
    assert.ok((await ops.fleet.promote({ nodeId: "n2" })).sequence !== undefined);
  },
);

Deno.test(
  await needingPeer(
    "opa",
    "P6: where a site wants it, rules bind platform admins too, and without an answer they go on (DEG-8)",
  ),
  async () => {
    const rules = "package pact.vcluster.ml\ndeny := true";
    await using opa = await startOpa({ load: [BASE], modules: { "ml.rego": rules } });
    await using site = await siteWith(opa, {}, { bind_platform_admin: true });
    const ann = await site.as();
    const ask = () => ann.policy.evaluate({ action: "commit", scope: vc("ml") });
    assert.equal((await ask()).denialReason, "denied by the rules of vCluster ml");
    await opa.stop();
    assert.equal((await ask()).policyRef, "degraded:default:commit");
  },
);
