import assert from "node:assert/strict";
import { config } from "../../api/mod.ts";
import {
  type JournalSite,
  openJournalSite,
  refusalOf,
  type TokenClaims,
} from "../support/journal/mod.ts";
import { buildBundle } from "../support/opa/mod.ts";
import { needingPeer, peerProgram, tempDir } from "../support/mod.ts";
import { pact } from "./pact.ts";

const BO: TokenClaims = { sub: "bo", role: "pact-ops-ml" };

/** Freezes the kernel of ml, and lets only chronyd be restarted. */
const NEW_RULES = `package pact.vcluster.ml

deny contains "the kernel of ml is frozen" if {
	input.action == "commit"
	input.drift_category == "kernel"
}

requires_approval if input.action == "rollback"

exec_allowed := input.command != "reboot"
`;

const kernel = (key: string, node?: string) => ({
  entryType: config.EntryType.COMMIT,
  scope: {
    scope: node === undefined
      ? { case: "vclusterId", value: "ml" } as const
      : { case: "nodeId", value: node } as const,
  },
  stateDelta: { kernel: [{ key, declaredValue: "10" }] },
});

/** Requests of several people: three commits, a refused one, two commands. */
async function furnish(site: JournalSite): Promise<void> {
  using n1 = await site.node("n1", "ml");
  using bo = await site.as(BO);
  using ann = await site.as();
  using viewer = await site.as({ sub: "vi", role: "pact-viewer-ml" });
  await bo.config.appendEntry({ entry: kernel("vm.swappiness") });
  await bo.config.appendEntry({ entry: kernel("vm.dirty_ratio", "n1") });
  await bo.config.appendEntry({
    entry: {
      ...kernel("unused"),
      stateDelta: { mounts: [{ path: "/scratch" }] },
    },
  });
  await ann.config.appendEntry({ entry: kernel("vm.overcommit_memory") });
  await refusalOf(viewer.config.appendEntry({ entry: kernel("vm.swappiness") }));
  for (const command of ["uptime", "reboot"]) {
    await n1.config.appendEntry({
      entry: {
        entryType: config.EntryType.EXEC_LOG,
        scope: { scope: { case: "nodeId", value: "n1" } },
        author: { principal: "bo", principalType: "Human", role: "pact-ops-ml" },
        policyRef: "rbac:default:exec",
        message: JSON.stringify({ command, args: "", class: "read-only" }),
      },
    });
  }
}

interface Difference {
  readonly principal: string;
  readonly action: string;
  readonly scope: string;
  readonly then: { readonly outcome: string };
  readonly now: { readonly outcome: string; readonly by: string; readonly reason: string };
}

/** The differences as lines. */
async function differences(site: JournalSite, who: TokenClaims, ...args: string[]) {
  const { code, stdout, stderr } = await pact(site, who, "--output", "json", ...args);
  assert.equal(code, 0, stderr);
  const found: { requests: number; differences: Difference[] } = JSON.parse(stdout);
  const lines = found.differences.map(({ principal, action, scope, then, now }) =>
    `${principal} ${action} ${scope}: ${then.outcome} -> ${now.outcome} by ${now.by}: ${now.reason}`
  );
  return { requests: found.requests, lines };
}

const FROZEN = [
  "bo commit vc:ml: allow -> deny by pact.vcluster.ml: the kernel of ml is frozen",
  "bo commit node:n1: allow -> deny by pact.vcluster.ml: the kernel of ml is frozen",
  "bo exec node:n1: allow -> deny by pact.vcluster.ml: exec denied by the rules of vCluster ml",
];

Deno.test({
  ...await needingPeer(
    "opa",
    "demand 7: pact policy test replays recorded requests against changed Rego and lists what would differ",
  ),
  fn: async (t) => {
    await using site = await openJournalSite();
    await using dir = await tempDir();
    await furnish(site);
    const rules = dir.file("new.rego");
    await Deno.writeTextFile(rules, NEW_RULES);
    const program = await peerProgram("opa") ?? "";
    const path = Deno.env.get("PATH") ?? "";
    Deno.env.set("PATH", `${program.slice(0, program.lastIndexOf("/"))}:${path}`);
    try {
      await t.step("with Rego, which opa compiles", async () => {
        const { requests, lines } = await differences(
          site,
          {},
          ...["policy", "test", "--since", "7d", rules, "policies/pact"],
        );
        assert.deepEqual(lines, FROZEN);
        assert.equal(requests, 8, "the admin's registration and seven requests were decided");
      });
      await t.step("in text, one line for each with its reason", async () => {
        const { stdout } = await pact(site, {}, "policy", "test", rules, "policies/pact");
        assert.match(stdout, /^TIME +ACTOR +ACTION +SCOPE +THEN +NOW +BY +REASON/);
        assert.match(stdout, /bo +commit +vc:ml +allowed +denied +pact\.vcluster\.ml +the kernel/);
        assert.match(stdout, /\n3 decisions of 8 would differ\.\n$/);
      });
      await t.step("rules that bind platform admins, too", async () => {
        const { lines } = await differences(
          site,
          {},
          ...["policy", "test", "--bind-platform-admin", rules, "policies/pact"],
        );
        assert.ok(lines.includes(FROZEN[0]?.replace("bo", "ann") ?? ""));
      });
      await t.step("with a bundle that was compiled elsewhere", async () => {
        const bundle = dir.file("rules.tar.gz");
        await buildBundle(bundle, [rules, "policies/pact"]);
        assert.deepEqual((await differences(site, {}, "policy", "test", bundle)).lines, FROZEN);
      });
      await t.step("rules that are none are named", async () => {
        await Deno.writeTextFile(rules, "package pact.vcluster.ml\n\ndeny if {");
        const { code, stderr } = await pact(site, {}, "policy", "test", rules, "policies/pact");
        assert.equal(code, 1);
        assert.match(stderr, /opa cannot compile the rules: .*new\.rego/);
      });
    } finally {
      Deno.env.set("PATH", path);
    }
  },
});

Deno.test("demand 7: pact policy test tries changed settings of a vCluster on what was recorded there", async () => {
  await using site = await openJournalSite();
  await using dir = await tempDir();
  await furnish(site);
  const settings = dir.file("new.toml");
  await Deno.writeTextFile(settings, "two_person_approval = true\n");
  const changed = await differences(site, {}, "policy", "test", "--vcluster", "ml", settings);
  assert.deepEqual(changed.lines, [
    "bo commit vc:ml: allow -> approval by roles: role pact-ops-ml, once a second person agrees",
    "bo commit node:n1: allow -> approval by roles: role pact-ops-ml, once a second person agrees",
    "bo commit vc:ml: allow -> approval by roles: role pact-ops-ml, once a second person agrees",
  ]);
  await Deno.writeTextFile(
    settings,
    `[[role_bindings]]
role = "pact-viewer-ml"
principals = ["vi"]
allowed_actions = ["commit"]
`,
  );
  const bound = await differences(site, {}, "policy", "test", "--vcluster", "ml", settings);
  assert.deepEqual(bound.lines, [
    "vi commit vc:ml: deny -> allow by roles: role pact-viewer-ml",
  ]);
});

Deno.test("demand 7: who may not read the audit log tries out no policy on it", async () => {
  await using site = await openJournalSite();
  await using dir = await tempDir();
  const settings = dir.file("new.toml");
  await Deno.writeTextFile(settings, "regulated = true\n");
  const viewer = { sub: "vi", role: "pact-viewer-ml" };
  const { code } = await pact(site, viewer, "policy", "test", "--vcluster", "ml", settings);
  assert.equal(code, 2);
});

Deno.test("demand 7: without the program opa, pact policy test says what to do instead", async () => {
  await using site = await openJournalSite();
  await using dir = await tempDir();
  const rules = dir.file("new.rego");
  await Deno.writeTextFile(rules, NEW_RULES);
  const path = Deno.env.get("PATH") ?? "";
  Deno.env.set("PATH", dir.path);
  try {
    const { code, stderr } = await pact(site, {}, "policy", "test", rules, "policies/pact");
    assert.equal(code, 1);
    assert.match(stderr, /the program opa is not installed/);
    assert.match(stderr, /give the bundle: opa build -t wasm/);
  } finally {
    Deno.env.set("PATH", path);
  }
});
