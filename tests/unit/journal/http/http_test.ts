import assert from "node:assert/strict";
import { config } from "../../../../api/mod.ts";
import { macOf, METRICS, openJournalSite, refusalOf } from "../../../support/journal/mod.ts";

Deno.test("journal.md 14.2: the metrics have the names, types and labels of the table, and right numbers", async () => {
  await using site = await openJournalSite();
  const ann = await site.as();
  const n1 = await site.node("n1", "ml");
  const ml = { scope: { case: "vclusterId", value: "ml" } } as const;
  await ann.config.appendEntry({ entry: { entryType: config.EntryType.COMMIT, scope: ml } });
  await n1.fleet.reportNodeState({
    nodeId: "n1",
    configState: "Drifted",
    drift: { total: 2.5 },
    supervisor: { servicesDeclared: 5, servicesRunning: 3, servicesFailed: 1 },
  });
  const viewer = await site.as("pact-viewer-ml");
  await refusalOf(viewer.fleet.updateBlacklist({ vclusterId: "ml", add: ["/x"] }));
  await refusalOf(site.dial({ token: () => "no token" }).fleet.listVClusters({}));
  const stranger = site.dial().enrollment.enroll({ hardwareIdentity: { macAddress: macOf(99) } });
  await refusalOf(stranger);

  const response = await fetch(site.http("/metrics"));
  assert.match(response.headers.get("content-type") ?? "", /^text\/plain; version=0.0.4/);
  const text = await response.text();
  const types = Object.fromEntries(
    [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]),
  );
  assert.deepEqual(
    types,
    Object.fromEntries(Object.entries(METRICS).map(([name, [type]]) => [name, type])),
  );
  for (const [, name = "", labels = ""] of text.matchAll(/^(pact_\w+)\{([^}]*)\}/gm)) {
    const base = name.replace(/_(bucket|sum|count)$/, "");
    const [, ...allowed] = METRICS[name] ?? METRICS[base] ?? [];
    for (const [, label = ""] of labels.matchAll(/(\w+)="/g)) {
      assert.ok(allowed.includes(label), `${name} has label ${label}`);
    }
  }
  assert.doesNotMatch(text, /n1|ann|127\.0\.0\.1/, "TEL-2: no node ids, no principals");
  for (
    const line of [
      'pact_nodes{state="active",vcluster="ml"} 1',
      'pact_node_config_state{state="drifted",vcluster="ml"} 1',
      'pact_node_drift_magnitude{vcluster="ml"} 2.5',
      'pact_services{vcluster="ml",status="stopped"} 1',
      'pact_journal_events_total{type="commit",vcluster="ml"} 1',
      'pact_journal_events_total{type="node_enrolled",vcluster="ml"} 1',
      'pact_enrollment_attempts_total{outcome="ok"} 1',
      'pact_enrollment_attempts_total{outcome="not_enrolled"} 1',
      'pact_certificates_signed_total{kind="enroll"} 1',
      'pact_policy_denials_total{action="blacklist"} 1',
      'pact_policy_denials_total{action="authenticate"} 1',
      "pact_raft_is_leader 1",
    ]
  ) assert.ok(text.includes(line), `${line} is not in\n${text}`);
});

Deno.test("journal.md 14.1: /health tells the role and the state, /ready that boot streams are served", async () => {
  await using site = await openJournalSite();
  const health = await fetch(site.http("/health"));
  assert.equal(health.status, 200);
  const body = await health.json();
  assert.equal(body.status, "healthy");
  assert.equal(body.role, "leader");
  assert.equal(body.leader_id, 1);
  assert.equal(typeof body.entries, "number");
  assert.match(body.version, /^\d+\.\d+\.\d+$/);
  const ready = await fetch(site.http("/ready"));
  assert.equal(ready.status, 200);
  await ready.body?.cancel();
  const unknown = await fetch(site.http("/nothing"));
  assert.equal(unknown.status, 404);
  await unknown.body?.cancel();
  const { status } = await site.dial().health.check({ service: "" });
  assert.equal(status, 1);
  const service = "pact.journal.ConfigService";
  assert.equal((await site.dial().health.check({ service })).status, 1);
  assert.equal((await refusalOf(site.dial().health.check({ service: "x" }))).code, "NOT_FOUND");
});

Deno.test("TEL-1: /auth/discovery is on both listeners, 404 without an identity provider", async () => {
  const over = async (url: string, caCert?: string) => {
    using client = Deno.createHttpClient(caCert === undefined ? {} : { caCerts: [caCert] });
    const response = await fetch(url, { client });
    return { status: response.status, body: await response.json() };
  };
  await using without = await openJournalSite();
  assert.equal((await over(without.http("/auth/discovery"))).status, 404);
  const api = `https://127.0.0.1:${without.journal.rpcPort}/auth/discovery`;
  assert.equal((await over(api, without.caPem)).status, 404);
  await using site = await openJournalSite({
    env: { PACT_IDP_URL: "https://idp.example.org", PACT_CLIENT_ID: "hpc" },
  });
  const expected = {
    status: 200,
    body: {
      idp_url: "https://idp.example.org",
      client_id: "hpc",
      scopes: ["openid", "profile"],
    },
  };
  assert.deepEqual(await over(site.http("/auth/discovery")), expected);
  const secure = `https://127.0.0.1:${site.journal.rpcPort}/auth/discovery`;
  assert.deepEqual(await over(secure, site.caPem), expected);
});
