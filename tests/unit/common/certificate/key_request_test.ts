import assert from "node:assert/strict";
import { createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import { createKeyAndCsr } from "../../../../common/certificate/mod.ts";
import { verifyCsr } from "../../../../common/tls/mod.ts";
import { Pkcs10CertificateRequest } from "../../../../common/tls/x509.ts";
import { createTestPki } from "../../../support/mod.ts";

Deno.test("ENR-21: a request says what it is for in a form that a general library reads", async () => {
  for (const name of ["pact-agent", "n".repeat(64), "Knoten-Ä"]) {
    const { csrDer, csrPem } = createKeyAndCsr(name);
    const request = new Pkcs10CertificateRequest(csrPem);
    assert.deepEqual(new Uint8Array(request.rawData), csrDer);
    assert.equal(request.subjectName.getField("CN")[0], name);
    assert.equal(await request.verify(), true);
    assert.equal((await verifyCsr(csrDer)).keyKind, "ECDSA P-256");
  }
});

Deno.test("NEN-3: every request has a key of its own", () => {
  const [one, other] = [createKeyAndCsr("n"), createKeyAndCsr("n")];
  assert.notEqual(one.keyPem.reveal(), other.keyPem.reveal());
});

Deno.test("NEN-3: the certificate for a request is that of its key", async () => {
  const pki = await createTestPki();
  const { certPem, keyPem } = await pki.agent({ nodeId: "node-1" });
  const { publicKey } = new X509Certificate(certPem);
  const spki = (key: KeyObject) => key.export({ type: "spki", format: "der" });
  assert.deepEqual(spki(createPublicKey(keyPem.reveal())), spki(publicKey));
});
