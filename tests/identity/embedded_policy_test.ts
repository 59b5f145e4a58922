import assert from "node:assert/strict";
import { type JournalSite, openJournalSite, refusalOf } from "../support/journal/mod.ts";
import { needingPeer, repositoryRoot, type TempDir, tempDir, waitFor } from "../support/mod.ts";
import { buildBundle, exampleInput, openBothEngines } from "../support/opa/mod.ts";

const BASE = `${repositoryRoot}policies/pact`;

const vc = (id: string) => ({ scope: { case: "vclusterId", value: id } } as const);

const INPUT = exampleInput({ time: "2026-07-14T22:30:05.250Z" });

/** Compiles rules into a bundle of their own folder. */
async function bundleOf(
  directory: TempDir,
  rules: string,
  entrypoints?: readonly string[],
): Promise<string> {
  const target = `${directory.path}/bundle.tar.gz`;
  await Deno.writeTextFile(`${directory.path}/rules.rego`, rules);
  await buildBundle(target, [BASE, `${directory.path}/rules.rego`], entrypoints);
  return target;
}

async function siteWith(bundle?: string): Promise<JournalSite> {
  const engine = { type: "embedded", ...(bundle === undefined ? {} : { bundle }) };
  return await openJournalSite({ toml: { policy: { engine } } });
}

async function body(site: JournalSite): Promise<Record<string, unknown>> {
  const answer = await fetch(site.http("/health"));
  return await answer.json();
}

Deno.test("OPA-11: the shipped rules change nothing, without an OPA server and without a bundle", async () => {
  await using site = await siteWith();
  const bo = await site.as({ sub: "bo", role: "pact-ops-ml" });
  const { sequence } = await bo.config.appendEntry({ entry: { entryType: 1, scope: vc("ml") } });
  const { policyRef } = await bo.config.getEntry({ sequence });
  assert.equal(policyRef, "opa:default:commit");
  const { policy_engine, embedded, opa } = await body(site);
  assert.deepEqual({ policy_engine, embedded, opa }, {
    policy_engine: "embedded",
    embedded: "ok",
    opa: "disabled",
  });
});

Deno.test(
  await needingPeer("opa", "a site's bundle decides, and another one does after a reload (CFG-3)"),
  async () => {
    await using directory = await tempDir("pact-bundle-");
    const bundle = await bundleOf(
      directory,
      'package pact.vcluster.ml\ndeny contains "not on my watch" if input.action == "commit"',
    );
    await using site = await siteWith(bundle);
    const bo = await site.as({ sub: "bo", role: "pact-ops-ml" });
    const commit = () => bo.config.appendEntry({ entry: { entryType: 1, scope: vc("ml") } });
    assert.equal((await refusalOf(commit())).message, "not on my watch");

    await Deno.writeTextFile(bundle, "no bundle");
    await site.journal.reload();
    assert.equal((await refusalOf(commit())).message, "not on my watch", "the former rules hold");

    await bundleOf(directory, "package pact.vcluster.ml\nrequires_approval := true");
    await site.journal.reload();
    const answer = await bo.policy.evaluate({ action: "commit", scope: vc("ml") });
    assert.equal(answer.approval?.approvalType, "two_person");
  },
);

Deno.test(
  await needingPeer("opa", "OPA-9: embedded rules read the policies of vClusters as they change"),
  async () => {
    await using directory = await tempDir("pact-bundle-");
    const bundle = await bundleOf(
      directory,
      `package pact.vcluster.ml
deny contains "too many nodes" if data.pact.vclusters[input.vcluster].nodes > 0`,
    );
    await using site = await siteWith(bundle);
    const bo = await site.as({ sub: "bo", role: "pact-ops-ml" });
    const reason = async () =>
      (await bo.policy.evaluate({ action: "commit", scope: vc("ml") })).denialReason;
    assert.equal(await reason(), undefined);
    await site.register("n1", "ml");
    await waitFor(async () => await reason() === "too many nodes", { what: "the node to count" });
  },
);

for (
  const [what, rules, entrypoints, message] of [
    [
      "rules without pact.authz",
      "package pact.vcluster.ml\nallow := true",
      ["pact/vcluster"],
      /no entry point pact\/authz/,
    ],
    [
      "rules that call what only a server can",
      'package pact.vcluster.ml\ndeny if http.send({"method": "get", "url": input.source}).status_code == 200',
      undefined,
      /http\.send/,
    ],
  ] as const
) {
  Deno.test(await needingPeer("opa", `${what} are refused at the start`), async () => {
    await using directory = await tempDir("pact-bundle-");
    const bundle = await bundleOf(directory, rules, entrypoints);
    await assert.rejects(siteWith(bundle), message);
  });
}

Deno.test("a bundle that is none is refused at the start, by its name", async () => {
  await using directory = await tempDir("pact-bundle-");
  const path = `${directory.path}/bundle.tar.gz`;
  await assert.rejects(siteWith(path), /policy\.engine\.bundle: .*bundle\.tar\.gz/);
  await Deno.writeTextFile(path, "hello");
  await assert.rejects(siteWith(path), /is not a bundle of `opa build -t wasm`/);
});

for (
  const [what, outcome, condition] of [
    [
      "takes too long",
      "timeout",
      'regex.split("^(a+)+$", concat("", ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "!"]))[0] == ""',
    ],
    ["takes too much memory", "error", "count(numbers.range(1, 20000000)) == 0"],
  ]
) {
  Deno.test(
    await needingPeer("opa", `DEG-6: an evaluation that ${what} is ended, and the next one is not`),
    async () => {
      await using directory = await tempDir("pact-bundle-");
      const bundle = await bundleOf(
        directory,
        `package pact.vcluster.ml
deny contains "never" if {
	input.service_name == "slow"
	${condition}
}`,
      );
      await using site = await siteWith(bundle);
      const bo = await site.as({ sub: "bo", role: "pact-ops-ml" });
      const ask = (serviceName: string) =>
        bo.policy.evaluate({ action: "service_stop", scope: vc("ml"), serviceName });
      const beginMs = performance.now();
      const slow = await ask("slow");
      assert.equal(slow.denialReason, "policy engine unavailable");
      const metrics = await (await fetch(site.http("/metrics"))).text();
      assert.match(metrics, new RegExp(`pact_opa_requests_total\\{outcome="${outcome}"\\} 1`));
      // The rules would take for ever, and a call half a minute.
      assert.ok(performance.now() - beginMs < 20_000);
      await waitFor(async () => (await ask("quick")).policyRef === "opa:default:service_stop", {
        what: "the rules to answer again",
      });
    },
  );
}

Deno.test(
  await needingPeer("opa", "both engines agree on functions of time and text"),
  async () => {
    const rules = `package pact.authz
allow := false
ns := time.parse_rfc3339_ns(input.time)
deny_reason := json.marshal({
	"clock": time.clock(ns),
	"zurich": time.clock([ns, "Europe/Zurich"]),
	"date": time.date([ns, "Asia/Tokyo"]),
	"weekday": time.weekday(ns),
	"tokyo": time.weekday([ns, "Asia/Tokyo"]),
	"text": sprintf("%s is %s", [input.principal, upper(input.action)]),
	"cidr": net.cidr_contains("127.0.0.0/8", input.source),
	"glob": glob.match("b*", [], input.principal),
	"regex": regex.match("^c.*t$", input.action),
	"now": time.now_ns() > 1700000000000000000,
})`;
    await using engines = await openBothEngines({
      modules: { "rules.rego": rules },
      entrypoints: ["pact/authz"],
    });
    const [opa, embedded] = await Promise.all([
      engines.opa.restrict(INPUT),
      engines.embedded.restrict(INPUT),
    ]);
    assert.ok(opa.outcome === "deny" && embedded.outcome === "deny");
    const said = JSON.parse(opa.reason);
    assert.deepEqual(JSON.parse(embedded.reason), said);
    assert.deepEqual(said.zurich, [0, 30, 5]);
  },
);
