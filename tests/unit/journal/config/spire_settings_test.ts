import assert from "node:assert/strict";
import { loadConfig } from "../../../../journal/config/mod.ts";

function load(toml: string, args: readonly string[] = ["--single-node"]) {
  return loadConfig({ args, env: {}, readFile: () => toml });
}

Deno.test("CFG-1, CRT-3: the journal asks SPIRE at its usual place unless it is told otherwise", () => {
  const { identityProvider, spireSocket, federatesWith } = load("").settings;
  assert.equal(identityProvider, "auto");
  assert.equal(spireSocket, "/run/spire/agent.sock");
  assert.deepEqual(federatesWith, []);
  const told = load(
    '[journal.identity]\nprovider = "spire"\nspire_socket = "/run/spire/x.sock"\nfederates_with = ["b.example"]\n',
  );
  assert.equal(told.settings.identityProvider, "spire");
  assert.equal(told.settings.spireSocket, "/run/spire/x.sock");
  assert.deepEqual(told.settings.federatesWith, ["b.example"]);
  assert.ok(!told.warnings.some((text) => text.includes("journal.identity")));
});

Deno.test("CFG-1: what makes no sense in journal.identity is refused at its line", () => {
  for (
    const line of [
      'provider = "kerberos"',
      'spire_socket = "agent.sock"',
      'federates_with = ["Not A Domain"]',
      "federates_with = 7",
    ]
  ) {
    assert.throws(() => load(`[journal.identity]\n${line}\n`), /:2:1: journal\.identity\./, line);
  }
});

Deno.test("CRT-3: members that go by SVIDs need no certificate files", () => {
  const members = '[journal]\nnode_id = 1\n[journal.raft]\nmembers = ["1:a:9444", "2:b:9444"]\n';
  assert.equal(load(members, []).settings.tlsCert, "/etc/pact/certs/node.crt");
  const bySvid = load(`${members}[journal.identity]\nprovider = "spire"\n`, []).settings;
  assert.equal(bySvid.tlsCert, undefined);
});
