import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { SecretPem } from "../../../../common/secret/mod.ts";
import {
  createCa,
  createKeyAndCsr,
  issueAgentCertificate,
  issueServerCertificate,
  loadCa,
  parsePeerCertificate,
  splitPemBundle,
  TlsError,
  TrustBundle,
  verifyCsr,
} from "../../../../common/tls/mod.ts";
import { createTestPki } from "../../../support/mod.ts";

const now = new Date("2026-11-21T12:00:00Z");
const identity = { nodeId: "x1000c0s0b0n0", domainId: "alps" };

Deno.test("journal.md 9.5: a node's certificate carries the names, usages, serial and lifetime of the table", async () => {
  const ca = await createCa({ commonName: "site CA", validDays: 365, now });
  const { csrDer } = createKeyAndCsr("ignored");
  const issued = await issueAgentCertificate(ca, identity, await verifyCsr(csrDer), { now });

  const native = new X509Certificate(issued.certPem);
  assert.equal(native.subject, "CN=pact-service-agent/x1000c0s0b0n0@alps");
  assert.equal(
    native.subjectAltName,
    "DNS:x1000c0s0b0n0, URI:spiffe://alps/pact/agent/x1000c0s0b0n0",
  );
  assert.equal(native.ca, false);
  assert.equal(new Date(native.validFrom).toISOString(), "2026-11-21T11:59:00.000Z");
  assert.equal(new Date(native.validTo).toISOString(), "2026-11-24T12:00:00.000Z");
  assert.match(issued.serialHex, /^[4-7][0-9a-f]{31}$/);
  assert.equal(native.serialNumber.toLowerCase(), issued.serialHex);

  const bundle = new TrustBundle(ca.certPem);
  assert.deepEqual(bundle.verify(issued.certPem, "client", now), { trusted: true });
  assert.deepEqual(bundle.verify(issued.certPem, "server", now), { trusted: true });
});

Deno.test("journal.md 9.5: serials come from the injected randomness and are always positive", async () => {
  const ca = await createCa({ commonName: "site CA", validDays: 365, now });
  const csr = await verifyCsr(createKeyAndCsr("n").csrDer);
  for (const byte of [0x00, 0x80, 0xff]) {
    const randomBytes = (length: number) => new Uint8Array(length).fill(byte);
    const { serialHex } = await issueAgentCertificate(ca, identity, csr, { now, randomBytes });
    assert.equal(serialHex.length, 32);
    assert.ok(parseInt(serialHex.slice(0, 2), 16) < 0x80, serialHex);
    assert.equal(serialHex.slice(2), new Uint8Array(15).fill(byte).toHex());
  }
});

Deno.test("API-5: a certificate is read back as the node it names", async () => {
  const pki = await createTestPki();
  const { certPem, serialHex, notAfter } = await pki.agent(identity);

  const peer = parsePeerCertificate(certPem);

  assert.equal(peer.kind, "agent");
  assert.ok(peer.kind === "agent");
  assert.deepEqual({ nodeId: peer.nodeId, domainId: peer.domainId }, identity);
  assert.equal(peer.commonName, "pact-service-agent/x1000c0s0b0n0@alps");
  assert.equal(peer.serialHex, serialHex);
  assert.deepEqual(peer.notAfter, notAfter);
});

Deno.test("AUT-11: a journal member is recognised by its common name or URI", async () => {
  const pki = await createTestPki();
  const byName = parsePeerCertificate((await pki.server({ commonName: "journal-3" })).certPem);
  assert.ok(byName.kind === "journal");
  assert.equal(byName.memberId, 3);

  const { certPem } = await issueServerCertificate(pki.ca, {
    commonName: "mgmt-1",
    hosts: ["mgmt-1"],
    uris: ["spiffe://alps/pact/journal/2"],
    now,
  });
  const byUri = parsePeerCertificate(certPem);
  assert.ok(byUri.kind === "journal");
  assert.equal(byUri.memberId, 2);
});

Deno.test("AUT-11: a certificate whose names contradict each other identifies nobody", async () => {
  const pki = await createTestPki();
  for (
    const [commonName, uri] of [
      ["pact-service-agent/one@alps", "spiffe://alps/pact/agent/two"],
      ["pact-service-agent/one@alps", "spiffe://other/pact/agent/one"],
      ["pact-service-agent/one@alps", "spiffe://alps/pact/journal/1"],
      ["journal-1", "spiffe://alps/pact/journal/2"],
      ["pact-service-agent/../x@alps", "https://example.com/"],
      ["admin", "spiffe://alps/other/agent/one"],
    ] as const
  ) {
    const { certPem } = await issueServerCertificate(pki.ca, {
      commonName,
      hosts: ["one"],
      uris: [uri],
      now,
    });
    assert.equal(parsePeerCertificate(certPem).kind, "other", `${commonName} ${uri}`);
  }
});

Deno.test("a node id that cannot stand in a certificate is refused by name", async () => {
  const ca = await createCa({ commonName: "site CA", validDays: 365, now });
  const csr = await verifyCsr(createKeyAndCsr("n").csrDer);
  for (const nodeId of ["", "a/b", "a@b", "a,CN=b", "-a", "a".repeat(64), "nöde"]) {
    await assert.rejects(
      issueAgentCertificate(ca, { nodeId, domainId: "alps" }, csr, { now }),
      (error) => error instanceof TlsError && error.code === "INVALID_NAME",
      nodeId,
    );
  }
});

Deno.test("CRT-9: a server certificate covers its host names and addresses", async () => {
  const ca = await createCa({ commonName: "site CA", validDays: 365, now });
  const { certPem, fullChainPem } = await issueServerCertificate(ca, {
    commonName: "journal-1",
    hosts: ["mgmt-1", "mgmt-1.example.net", "10.0.0.1", "::1", "mgmt-1"],
    now,
  });
  const native = new X509Certificate(certPem);
  assert.equal(native.checkHost("mgmt-1.example.net"), "mgmt-1.example.net");
  assert.equal(native.checkHost("elsewhere"), undefined);
  assert.match(native.subjectAltName ?? "", /IP Address:10\.0\.0\.1/);
  assert.match(native.subjectAltName ?? "", /IP Address:(::1|0:0:0:0:0:0:0:1)/i);
  assert.deepEqual(splitPemBundle(fullChainPem).map((pem) => new X509Certificate(pem).subject), [
    "CN=journal-1",
    "CN=site CA",
  ]);
});

Deno.test("a leaf does not outlive its CA", async () => {
  const ca = await createCa({ commonName: "short CA", validDays: 1, now });
  const csr = await verifyCsr(createKeyAndCsr("n").csrDer);
  const { notAfter } = await issueAgentCertificate(ca, identity, csr, { now });
  assert.deepEqual(notAfter, ca.notAfter);
});

Deno.test("CRT-2: a provided CA signs when key and certificate belong together, and is refused otherwise", async () => {
  const [one, other] = [
    await createCa({ commonName: "one", validDays: 10, now }),
    await createCa({ commonName: "other", validDays: 10, now }),
  ];
  const loaded = await loadCa({ certPem: one.certPem, keyPem: one.keyPem, now });
  const csr = await verifyCsr(createKeyAndCsr("n").csrDer);
  const { certPem } = await issueAgentCertificate(loaded, identity, csr, { now });
  assert.deepEqual(new TrustBundle(one.certPem).verify(certPem, "client", now), { trusted: true });

  const leaf = await issueServerCertificate(one, { commonName: "x", hosts: ["x"], now });
  const later = new Date(now.getTime() + 11 * 86_400_000);
  for (
    const [what, attempt, message] of [
      ["foreign key", { certPem: one.certPem, keyPem: other.keyPem, now }, /does not belong/],
      ["leaf", { certPem: leaf.certPem, keyPem: leaf.keyPem, now }, /not a CA certificate/],
      ["expired", { certPem: one.certPem, keyPem: one.keyPem, now: later }, /which is not now/],
      ["no PEM", { certPem: "hello", keyPem: one.keyPem, now }, /no BEGIN CERTIFICATE/],
      ["no key", { certPem: one.certPem, keyPem: new SecretPem("x"), now }, /BEGIN PRIVATE KEY/],
    ] as const
  ) {
    await assert.rejects(loadCa(attempt), message, what);
  }
});

Deno.test("CRT-2: an intermediate is an anchor of the bundle and travels with its parents", async () => {
  const ca = await createCa({ commonName: "issuing", validDays: 10, now });
  const parent = await createCa({ commonName: "parent", validDays: 10, now });
  const loaded = await loadCa({
    certPem: ca.certPem + parent.certPem,
    keyPem: ca.keyPem,
    now,
  });
  const { fullChainPem } = await issueServerCertificate(loaded, {
    commonName: "journal-1",
    hosts: ["localhost"],
    now,
  });
  assert.equal(splitPemBundle(fullChainPem).length, 3);
});
