import assert from "node:assert/strict";
import { inspect } from "node:util";
import fc from "fast-check";
import { SecretPem } from "../../../../common/secret/mod.ts";
import {
  createCa,
  joinPemBundle,
  requireMatchingKey,
  splitPemBundle,
  TrustBundle,
} from "../../../../common/tls/mod.ts";
import { createTestPki } from "../../../support/mod.ts";

Deno.test("CRT-1: a bundle of several CAs trusts the leaves of each and of no other", async () => {
  const [one, two, foreign] = [await createTestPki(), await createTestPki(), await createTestPki()];
  const bundle = new TrustBundle(joinPemBundle([one.caPem, two.caPem, one.caPem]));
  const now = new Date();

  for (const pki of [one, two]) {
    assert.deepEqual(bundle.verify((await pki.agent()).certPem, "client", now), { trusted: true });
  }
  assert.deepEqual(bundle.verify((await foreign.agent()).certPem, "client", now), {
    trusted: false,
    reason: "not issued by a CA of the trust bundle",
  });
});

Deno.test("AUT-11: a leaf is trusted from its start to its end and while its CA is valid", async () => {
  const pki = await createTestPki();
  const bundle = new TrustBundle(pki.caPem);
  const { certPem, notBefore, notAfter } = await pki.agent();
  const at = (time: Date, offsetMs: number) =>
    bundle.verify(certPem, "client", new Date(time.getTime() + offsetMs));

  assert.deepEqual(at(notBefore, -1000), { trusted: false, reason: "not yet valid" });
  assert.deepEqual(at(notBefore, 0), { trusted: true });
  assert.deepEqual(at(notAfter, 0), { trusted: true });
  assert.deepEqual(at(notAfter, 1000), { trusted: false, reason: "expired" });
});

Deno.test("AUT-11: a CA certificate is no client certificate, and bytes are no certificate", async () => {
  const pki = await createTestPki();
  const bundle = new TrustBundle(pki.caPem);
  assert.deepEqual(bundle.verify(pki.caPem, "client", new Date()), {
    trusted: false,
    reason: "not meant for this use",
  });
  for (const garbage of ["", "hello", new Uint8Array(), new Uint8Array([0x30, 0x80, 1, 2, 3])]) {
    assert.deepEqual(bundle.verify(garbage, "client", new Date()), {
      trusted: false,
      reason: "malformed certificate",
    });
  }
});

Deno.test("a CA of the same name with another key does not pass for the one that is trusted", async () => {
  const now = new Date();
  const [real, impostor] = [await createTestPki("site CA"), await createTestPki("site CA")];
  const { certPem } = await impostor.agent();
  assert.equal(new TrustBundle(real.caPem).verify(certPem, "client", now).trusted, false);
});

Deno.test("a leaf in the bundle makes nothing trusted", async () => {
  const pki = await createTestPki();
  const { certPem } = await pki.agent();
  assert.equal(new TrustBundle(certPem).verify(certPem, "client", new Date()).trusted, false);
});

Deno.test("a bundle without certificates or with too many is refused", async () => {
  const { certPem } = await createCa({ commonName: "x", validDays: 1, now: new Date() });
  assert.throws(() => new TrustBundle(""), /no BEGIN CERTIFICATE/);
  assert.throws(() => splitPemBundle(certPem.repeat(257)), /more than 256/);
  assert.throws(() => splitPemBundle(" ".repeat(1024 * 1024 + 1)), /longer than/);
  assert.throws(
    () =>
      new TrustBundle(
        certPem + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
      ),
    /certificate 2 of the trust bundle/,
  );
  assert.equal(splitPemBundle(`# site CA\n${certPem}\n\nnotes\n${certPem}`).length, 2);
});

Deno.test("a private key shows nothing of itself when printed, inspected or made JSON", async () => {
  const { keyPem } = await createCa({ commonName: "x", validDays: 1, now: new Date() });
  const shown = [
    `${keyPem}`,
    JSON.stringify({ keyPem }),
    Deno.inspect({ keyPem }),
    inspect({ keyPem }),
  ];
  for (const text of shown) {
    assert.match(text, /\[REDACTED\]/);
    assert.doesNotMatch(text, /PRIVATE KEY|MI/);
  }
  assert.match(keyPem.reveal(), /BEGIN PRIVATE KEY/);
});

Deno.test("a key that belongs to another certificate is told before the first handshake", async () => {
  const pki = await createTestPki();
  const [one, other] = [await pki.agent(), await pki.agent()];
  requireMatchingKey(one.certPem, one.keyPem);
  assert.throws(() => requireMatchingKey(one.certPem, other.keyPem), /does not belong/);
  assert.throws(() => requireMatchingKey(one.certPem, new SecretPem("x")), /cannot be read/);
});

/** Where the signed part of a certificate ends: behind the outer header, one sequence (RFC 5280). */
function signedEnd(der: Uint8Array): number {
  assert.deepEqual([der[0], der[1], der[4], der[5]], [0x30, 0x82, 0x30, 0x82]);
  return 8 + (der[6] ?? 0) * 256 + (der[7] ?? 0);
}

Deno.test("CRT-1: a certificate is distrusted whatever part of what was signed is damaged", async () => {
  const pki = await createTestPki();
  const bundle = new TrustBundle(pki.caPem);
  const now = new Date();
  const { certPem } = await pki.agent();
  const der = Uint8Array.fromBase64(certPem.replaceAll(/-----[^-]+-----|\s/g, ""));
  assert.equal(bundle.verify(der, "client", now).trusted, true);
  fc.assert(
    fc.property(
      fc.nat({ max: der.length - 1 }),
      fc.integer({ min: 1, max: 255 }),
      (position, flip) => {
        const damaged = der.slice();
        damaged[position] = (damaged[position] ?? 0) ^ flip;
        const { trusted } = bundle.verify(damaged, "client", now);
        // Behind the signed part there are bits that mean nothing, such as a count of unused ones.
        if (position < signedEnd(der)) assert.equal(trusted, false);
      },
    ),
    { numRuns: 1_000 },
  );
  // The names of the usages: read only after the certificate as such has been.
  const usages = der.toHex().indexOf("0603551d25") / 2;
  for (let position = usages; position < usages + 20; position++) {
    const damaged = der.slice();
    damaged[position] = (damaged[position] ?? 0) ^ 0x1f;
    assert.equal(bundle.verify(damaged, "client", now).trusted, false, `byte ${position}`);
  }
});
