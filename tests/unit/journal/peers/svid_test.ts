import { SecretPem } from "../../../../common/secret/mod.ts";
import assert from "node:assert/strict";
import type { PeerTls } from "../../../../journal/peers/mod.ts";
import { createTestPki, waitFor } from "../../../support/mod.ts";
import { createTrustDomain, type TestTrustDomain } from "../../../support/spiffe_pki.ts";
import { introduce, memberTls, openMember, raftMessage, type TestMember } from "./fixture.ts";

const site = await createTrustDomain("site.example");

/** What a member has with an SVID of that path; it trusts the site's domain. */
async function svidTls(
  path: string,
  { domain = site, commonName }: {
    readonly domain?: TestTrustDomain;
    readonly commonName?: string;
  } = {},
): Promise<PeerTls> {
  const { certPem, keyPem } = await domain.issue(path, {
    ...(commonName === undefined ? {} : { commonName }),
  });
  return {
    certPem,
    keyPem: new SecretPem(keyPem.reveal()),
    caPem: "",
    trustDomains: new Map([[site.name, site.ca.certPem]]),
  };
}

async function connected(...members: readonly TestMember[]): Promise<void> {
  await waitFor(
    () => members.every(({ network }) => network.connected().size === members.length - 1),
    { what: "members to be connected" },
  );
}

async function refused(member: TestMember, reason: TestMember["heard"]["refused"][number]) {
  await waitFor(() => member.heard.refused.includes(reason), { what: `a refusal: ${reason}` });
  assert.equal(member.network.connected().size, 0);
}

Deno.test("CRT-3, AUT-11: members know each other by their SPIFFE IDs, whatever host they are dialled by, and through a rotation", async () => {
  await using one = await openMember(undefined, 1, { tls: await svidTls("/pact/journal/1") });
  await using two = await openMember(undefined, 2, { tls: await svidTls("/pact/journal/2") });
  introduce(one, two);
  await connected(one, two);
  for (const { network } of [one, two]) {
    network.rotate(await svidTls(`/pact/journal/${network === one.network ? 1 : 2}`));
  }
  one.network.send(2, [raftMessage(1, 2, { commit: 7 })]);
  await waitFor(() => two.heard.messages.length === 1, { what: "the message" });
  assert.deepEqual([...one.heard.unreachable, ...two.heard.unreachable], []);
});

Deno.test("CRT-3: a member with files and one with an SVID are of one quorum where each trusts both", async () => {
  const pki = await createTestPki();
  const trust = {
    caPem: pki.caPem,
    trustDomains: new Map([[site.name, site.ca.certPem]]),
  };
  const files = { ...await memberTls(pki, 1), ...trust };
  const svid = { ...await svidTls("/pact/journal/2"), ...trust };
  await using one = await openMember(undefined, 1, { tls: files });
  await using two = await openMember(undefined, 2, { tls: svid });
  introduce(one, two);
  await connected(one, two);
});

Deno.test("AUT-11: a common name makes no member of an SVID that names something else", async () => {
  await using one = await openMember(undefined, 1, { tls: await svidTls("/pact/journal/1") });
  const tls = await svidTls("/web", { commonName: "journal-2" });
  await using web = await openMember(undefined, 2, { tls });
  one.network.setMembers([web.address()]);
  web.network.setMembers([one.address()]);
  await refused(one, "certificate");
});

Deno.test("AUT-11: an SVID of a foreign trust domain makes no member", async () => {
  const foreign = await createTrustDomain("foreign.example");
  await using one = await openMember(undefined, 1, { tls: await svidTls("/pact/journal/1") });
  const tls = await svidTls("/pact/journal/2", { domain: foreign });
  await using two = await openMember(undefined, 2, { tls });
  one.network.setMembers([{ id: 2, raft: "127.0.0.1:1", api: "127.0.0.1:1" }]);
  two.network.setMembers([one.address()]);
  await refused(one, "handshake");
});
