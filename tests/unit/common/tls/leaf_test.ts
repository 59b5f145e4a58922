import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import fc from "fast-check";
import { createCa, issueServerCertificate } from "../../../../common/tls/mod.ts";
import * as general from "../../../../common/tls/x509.ts";

const ca = await createCa({ commonName: "site CA, löw", validDays: 20_000, now: new Date() });

const names = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.stringMatching(/^[a-z][a-z0-9]{0,20}(\.[a-z][a-z0-9]{0,20}){0,3}$/),
);

Deno.test("a leaf says to a general library what it was made of, whatever its names, times and serial", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(names, { minLength: 1, maxLength: 4 }),
      fc.stringMatching(/^[a-z0-9/@.-]{1,200}$/),
      fc.integer({ min: 1, max: 1_000_000_000 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      async (hosts, commonName, lifetimeSeconds, random) => {
        const now = new Date();
        const issued = await issueServerCertificate(ca, {
          ...{ hosts, commonName, lifetimeSeconds, now },
          randomBytes: () => new Uint8Array(random),
        });
        const read = new general.X509Certificate(issued.certPem);
        assert.equal(read.subject, `CN=${commonName}`);
        assert.equal(read.issuer, ca.signer.certificate.subject);
        assert.deepEqual(read.notBefore, issued.notBefore);
        assert.deepEqual(read.notAfter, issued.notAfter);
        assert.equal(read.serialNumber.replace(/^0+/, ""), issued.serialHex.replace(/^0+/, ""));
        assert.ok(await read.verify({ publicKey: ca.signer.certificate, signatureOnly: true }));
        const subjectKey = read.getExtension(general.SubjectKeyIdentifierExtension);
        const expected = await general.SubjectKeyIdentifierExtension.create(read.publicKey);
        assert.equal(subjectKey?.keyId, expected.keyId);
        const native = new X509Certificate(issued.certPem);
        for (const host of hosts) {
          const isNamed = host.includes(":") || /^[0-9.]+$/.test(host)
            ? native.checkIP(host)
            : native.checkHost(host);
          assert.notEqual(isNamed, undefined, host);
        }
      },
    ),
    { numRuns: 50 },
  );
});
