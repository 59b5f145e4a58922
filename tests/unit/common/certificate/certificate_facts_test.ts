import assert from "node:assert/strict";
import fc from "fast-check";
import { readCertificateFacts } from "../../../../common/certificate/certificate_facts.ts";
import { TlsError } from "../../../../common/tls/mod.ts";
import { derOfPem } from "../../../../common/certificate/pem.ts";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  X509Certificate,
} from "../../../../common/tls/x509.ts";
import { createTestPki } from "../../../support/mod.ts";

/** The same facts by a general library. */
function byLibrary(der: Uint8Array<ArrayBuffer>) {
  const certificate = new X509Certificate(der);
  const names = certificate.getExtension(SubjectAlternativeNameExtension)?.names.items ?? [];
  const usages = certificate.getExtension(ExtendedKeyUsageExtension)?.usages ?? [];
  const keyUsages = certificate.getExtension(KeyUsagesExtension)?.usages;
  return {
    commonName: certificate.subjectName.getField("CN")[0] ?? "",
    serialHex: certificate.serialNumber,
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
    dnsNames: names.filter(({ type }) => type === "dns").map(({ value }) => value),
    uris: names.filter(({ type }) => type === "url").map(({ value }) => value),
    uses: [...usages].flatMap((usage) =>
      usage === ExtendedKeyUsage.clientAuth
        ? ["client"]
        : usage === ExtendedKeyUsage.serverAuth
        ? ["server"]
        : []
    ),
    isAuthority: certificate.getExtension(BasicConstraintsExtension)?.ca === true &&
      (keyUsages === undefined || (keyUsages & KeyUsageFlags.keyCertSign) !== 0),
    der,
  };
}

async function certificates(): Promise<Uint8Array<ArrayBuffer>[]> {
  const pki = await createTestPki("a CA with ümlauts");
  const far = new Date("2049-12-30T00:00:00Z");
  const all = [
    pki.caPem,
    (await pki.agent()).certPem,
    (await pki.agent({ nodeId: "x1000c0s0b0n0", domainId: "cluster.example.org" })).certPem,
    (await pki.agent({ lifetimeSeconds: 86_400 * 3 })).certPem,
    (await createTestPki().then((other) => other.agent({ now: far, lifetimeSeconds: 600 })))
      .certPem,
    (await pki.server({ commonName: "journal-3", hosts: ["localhost", "::1", "10.0.0.1"] }))
      .certPem,
  ];
  return all.map(derOfPem);
}

Deno.test("API-5: what is read of a certificate is what a general library reads", async () => {
  for (const der of await certificates()) {
    assert.deepEqual(readCertificateFacts(der), byLibrary(der));
  }
});

Deno.test("AUT-11: a damaged certificate is refused with one error, or read like a general library does", async () => {
  const all = await certificates();
  fc.assert(
    fc.property(
      fc.constantFrom(...all),
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 255 })), {
        minLength: 1,
        maxLength: 3,
      }),
      fc.option(fc.nat(), { nil: undefined }),
      (der, flips, cut) => {
        const damaged = cut === undefined ? der.slice() : der.slice(0, cut % der.length);
        for (const [at, flip] of flips) {
          const index = at % Math.max(damaged.length, 1);
          damaged[index] = (damaged[index] ?? 0) ^ flip;
        }
        const facts = readOrRefuse(damaged);
        if (facts === undefined) return;
        const { commonName, uris, notAfter } = facts;
        let expected;
        try {
          expected = byLibrary(damaged);
        } catch {
          // The library looks into parts that are of no interest here.
          return;
        }
        if (commonName !== "") assert.equal(commonName, expected.commonName);
        assert.deepEqual(uris, expected.uris);
        assert.deepEqual(notAfter, expected.notAfter);
      },
    ),
    { numRuns: 3_000 },
  );
});

function readOrRefuse(der: Uint8Array) {
  try {
    return readCertificateFacts(der);
  } catch (error) {
    assert.ok(error instanceof TlsError && error.code === "INVALID_CERTIFICATE", String(error));
    return undefined;
  }
}

Deno.test("AUT-11: encodings that are not the one of DER are refused", async () => {
  const [der = new Uint8Array()] = await certificates();
  const behind = new Uint8Array([...der, 0]);
  assert.throws(() => readCertificateFacts(behind), /bytes behind its end/);
  const longer = new Uint8Array([0x30, 0x83, 0, ...der.slice(2)]);
  assert.throws(() => readCertificateFacts(longer), /a length too long/);
  const endless = new Uint8Array([0x30, 0x80, ...der.slice(4), 0, 0]);
  assert.throws(() => readCertificateFacts(endless), /an unusual length/);
});
