import assert from "node:assert/strict";
import { createTestPki } from "../../../support/mod.ts";
import {
  type JournalSite,
  openJournalSite,
  refusalOf,
  type TokenClaims,
} from "../../../support/journal/mod.ts";

async function refusedToken(site: JournalSite, token: string): Promise<string> {
  const clients = site.dial({ token: () => token });
  const { code, message } = await refusalOf(clients.fleet.listVClusters({}));
  assert.equal(code, "UNAUTHENTICATED");
  assert.ok(!message.includes(token), "API-10: no token in a message");
  return message;
}

Deno.test("AUT-2: tokens that are expired, for someone else, forged or garbage are refused with their reason", async () => {
  await using site = await openJournalSite();
  const of = async (claims: TokenClaims) => await refusedToken(site, await site.token(claims));
  assert.match(await of({ lifetimeSeconds: -120 }), /token expired/);
  assert.match(await of({ audience: "lattice" }), /invalid audience: expected pact/);
  assert.match(await of({ secret: "another secret of thirty-two bytes" }), /bad signature/);
  assert.match(await of({ sub: "" }), /sub missing/);
  assert.match(await of({ lifetimeSeconds: 90_000 }), /lifetime|24|86400/);
  assert.match(await refusedToken(site, "garbage"), /malformed/);
  assert.match(await refusedToken(site, "a.b.c"), /malformed/);
  const none = `${btoa('{"alg":"none"}').replaceAll("=", "")}.${btoa('{"sub":"ann"}')}.`;
  assert.match(
    await refusedToken(site, none.replaceAll("=", "")),
    /algorithm not allowed|malformed/,
  );
  assert.match(await refusedToken(site, "x".repeat(20_000)), /malformed|header/);
});

Deno.test("AUT-2: a token without a pact role is known and may do nothing", async () => {
  await using site = await openJournalSite();
  const roleless = await site.as({ role: "" });
  const refusal = await refusalOf(roleless.config.getOverlay({ vclusterId: "ml" }));
  assert.equal(refusal.code, "PERMISSION_DENIED");
  assert.match(refusal.message, /no pact role in token/);
});

Deno.test("AUT-11: no token carries the name of the journal or of a node's agent", async () => {
  await using site = await openJournalSite();
  for (const sub of ["system/pact-journal", "pact-service-agent/n1@default"]) {
    assert.match(await refusedToken(site, await site.token({ sub })), /the name is reserved/);
  }
});

Deno.test("AUT-11: a certificate of another CA, or of a node nobody registered, is refused", async () => {
  await using site = await openJournalSite();
  await site.register("n1", "ml");
  const foreign = await createTestPki();
  const stolen = await foreign.agent({ nodeId: "n1", domainId: "default" });
  const clients = site.dial({ certPem: stolen.certPem, keyPem: stolen.keyPem });
  const refusal = await refusalOf(clients.fleet.reportCapability({ nodeId: "n1" }));
  assert.equal(refusal.code, "UNAUTHENTICATED");
  assert.match(refusal.message, /certificate refused/);
});

Deno.test("AUT-1: a person's token over a node's connection acts as the person, and the entry says by way of whom", async () => {
  await using site = await openJournalSite();
  const n1 = await site.node("n1", "ml");
  const token = await site.token({ sub: "bo", role: "pact-ops-ml" });
  const { certPem, keyPem } = n1;
  const relay = site.dial({ certPem, keyPem, token: () => token });
  const scope = { scope: { case: "vclusterId", value: "ml" } } as const;
  const { sequence } = await relay.config.appendEntry({ entry: { entryType: 1, scope } });
  const entry = await relay.config.getEntry({ sequence });
  assert.equal(entry.author?.principal, "bo");
  assert.equal(entry.via, "pact-service-agent/n1@default");
});
