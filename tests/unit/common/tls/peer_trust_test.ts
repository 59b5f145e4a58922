import assert from "node:assert/strict";
import {
  issueServerCertificate,
  parsePeerCertificate,
  parseSpiffeId,
  PeerTrust,
  splitPemBundle,
} from "../../../../common/tls/mod.ts";
import { createTestPki } from "../../../support/mod.ts";
import { createTrustDomain, derOf } from "../../../support/spiffe_pki.ts";

const now = () => new Date();
const bundle = (name: string, pem: string) => [name, pem] as const;

Deno.test("AUT-11: an SVID of a trusted domain names a node by its SPIFFE ID", async () => {
  const site = await createTrustDomain("site.example");
  const trust = new PeerTrust({
    trustDomains: new Map([bundle(site.name, site.ca.certPem)]),
  });
  const svid = parsePeerCertificate((await site.issue("/pact/agent/node-1")).certPem);
  const { certificate, chain } = trust.judge(svid);
  assert.deepEqual(chain.verdictAt("client", now()), { trusted: true });
  assert.ok(certificate.kind === "agent");
  assert.equal(certificate.nodeId, "node-1");
  assert.equal(certificate.domainId, "site.example");
  assert.equal(certificate.svid?.uri, "spiffe://site.example/pact/agent/node-1");
});

Deno.test("a trust domain vouches for its own names only, whatever its CA is called", async () => {
  const [site, foreign] = [
    await createTrustDomain("site.example"),
    await createTrustDomain("foreign.example"),
  ];
  const trust = new PeerTrust({
    trustDomains: new Map([
      bundle("site.example", site.ca.certPem),
      bundle("foreign.example", foreign.ca.certPem),
    ]),
  });
  const forged = await (await createTrustDomain("site.example")).issue("/pact/agent/node-1");
  assert.equal(trust.isTrusted(parsePeerCertificate(forged.certPem), "client", now()), false);
  const crossed = await issueServerCertificate(foreign.ca, {
    commonName: "workload",
    hosts: ["localhost"],
    uris: ["spiffe://site.example/pact/agent/node-1"],
    now: now(),
  });
  for (const isSignatureKnown of [false, true]) {
    const { chain } = trust.judge(parsePeerCertificate(crossed.certPem), { isSignatureKnown });
    assert.equal(chain.verdictAt("client", now()).trusted, false);
  }
});

Deno.test("a common name says nothing where a trust domain vouches for the certificate", async () => {
  const site = await createTrustDomain("site.example");
  const trust = new PeerTrust({ trustDomains: new Map([bundle(site.name, site.ca.certPem)]) });
  const web = await site.issue("/web", { commonName: "journal-1" });
  const judged = trust.judge(parsePeerCertificate(web.certPem));
  assert.equal(judged.chain.isFound, true);
  assert.equal(judged.certificate.kind, "other");

  const two = await site.issue("/pact/agent/node-1", { uris: ["spiffe://site.example/web"] });
  assert.equal(trust.isTrusted(parsePeerCertificate(two.certPem), "client", now()), false);
});

Deno.test("pact's own CAs vouch beside trust domains, and for no SVID", async () => {
  const pki = await createTestPki();
  const site = await createTrustDomain("site.example");
  const trust = new PeerTrust({
    caPem: pki.caPem,
    trustDomains: new Map([bundle(site.name, site.ca.certPem)]),
  });
  const { certificate, chain } = trust.judge(parsePeerCertificate((await pki.agent()).certPem));
  assert.equal(chain.verdictAt("client", now()).trusted, true);
  assert.equal(certificate.svid, undefined);
  assert.equal(certificate.kind, "agent");
});

Deno.test("an SVID under a subordinate CA is trusted with the chain that it presents", async () => {
  const root = await createTrustDomain("site.example");
  const below = await root.subordinate();
  const trust = new PeerTrust({ trustDomains: new Map([bundle(root.name, root.ca.certPem)]) });
  const leaf = parsePeerCertificate((await below.issue("/pact/journal/2")).certPem);
  const presented = splitPemBundle(below.ca.chainPem).map(derOf);
  const use = (intermediates: () => Uint8Array[]) =>
    trust.isTrusted(leaf, "client", now(), { intermediates });
  assert.equal(use(() => []), false);
  assert.equal(use(() => presented), true);
  assert.equal(use(() => [leaf.der, leaf.der, new Uint8Array([1, 2, 3]), ...presented]), true);
});

Deno.test("a SPIFFE ID is read as SPIFFE-ID.md lays it down", () => {
  const good = ["spiffe://a", "spiffe://site.example/x", "spiffe://s_1-2.x/A/b.c-d_e"];
  for (const uri of good) assert.equal(parseSpiffeId(uri)?.uri, uri);
  const bad = [
    "",
    "spiffe://",
    "https://site.example/x",
    "SPIFFE://site.example/x",
    "spiffe://Site.example/x",
    "spiffe://site.example:80/x",
    "spiffe://user@site.example/x",
    "spiffe://site.example/",
    "spiffe://site.example//x",
    "spiffe://site.example/x/",
    "spiffe://site.example/./x",
    "spiffe://site.example/../x",
    "spiffe://site.example/x?y",
    "spiffe://site.example/x#y",
    "spiffe://site.example/%41",
    `spiffe://site.example/${"x".repeat(2_048)}`,
    `spiffe://${"x".repeat(256)}/x`,
  ];
  for (const uri of bad) assert.equal(parseSpiffeId(uri), undefined, uri);
});
