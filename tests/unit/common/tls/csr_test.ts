import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import fc from "fast-check";
import {
  createCa,
  createKeyAndCsr,
  csrMaxBytes,
  issueAgentCertificate,
  TlsError,
  TrustBundle,
  verifyCsr,
} from "../../../../common/tls/mod.ts";
import { tempDir } from "../../../support/mod.ts";

Deno.test("ENR-21: a request is read from DER, PEM text and PEM bytes", async () => {
  const { csrDer, csrPem } = createKeyAndCsr("node-1");
  for (const form of [csrDer, csrPem, new TextEncoder().encode(csrPem)]) {
    assert.equal((await verifyCsr(form)).keyKind, "ECDSA P-256");
  }
});

Deno.test("ENR-23: an empty request is refused as `csr required`", async () => {
  await assert.rejects(verifyCsr(new Uint8Array()), {
    code: "INVALID_CSR",
    message: "csr required",
  });
});

Deno.test("ENR-21: a request that is not signed with its own key is refused", async () => {
  const { csrDer } = createKeyAndCsr("node-1");
  const other = createKeyAndCsr("node-1");
  // The subject public key of one request in the other: its signature then proves nothing.
  const point = csrDer.toHex().indexOf("03420004") / 2 + 4;
  const forged = csrDer.slice();
  forged.set(other.csrDer.subarray(point, point + 64), point);
  await assert.rejects(verifyCsr(forged), { code: "INVALID_CSR" });
});

Deno.test("ENR-21: bytes that are no request are refused with one error, whatever their size", async () => {
  const refused = (bytes: Uint8Array) =>
    assert.rejects(verifyCsr(bytes), (error) => error instanceof TlsError);
  const { csrDer } = createKeyAndCsr("node-1");
  await refused(new Uint8Array(csrMaxBytes + 1));
  await refused(csrDer.subarray(0, csrDer.length - 1));
  await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), refused), { numRuns: 50 });
});

Deno.test("ENR-21: a request whose key names no readable curve is refused with the same error", async () => {
  const { csrDer } = createKeyAndCsr("node-1");
  // The object identifier of prime256v1, with its tag and its length.
  const curve = csrDer.toHex().indexOf("06082a8648ce3d030107") / 2;
  for (const tag of [0x00, 0x04, 0x05, 0x30]) {
    const damaged = csrDer.slice();
    damaged[curve] = tag;
    await assert.rejects(verifyCsr(damaged), { code: "INVALID_CSR" }, `tag ${tag}`);
  }
});

Deno.test("ENR-21: a damaged request is refused, or still proves the key it was made with", async () => {
  const { csrDer } = createKeyAndCsr("node-1");
  const { publicKey } = await verifyCsr(csrDer);
  const key = new Uint8Array(publicKey.rawData).toHex();
  await fc.assert(
    fc.asyncProperty(
      fc.nat({ max: csrDer.length - 1 }),
      fc.integer({ min: 1, max: 255 }),
      async (position, flip) => {
        const damaged = csrDer.slice();
        damaged[position] = (damaged[position] ?? 0) ^ flip;
        try {
          const verified = await verifyCsr(damaged);
          assert.equal(new Uint8Array(verified.publicKey.rawData).toHex(), key);
        } catch (error) {
          assert.ok(error instanceof TlsError, `${error}`);
        }
      },
    ),
    { numRuns: 150 },
  );
});

Deno.test("ENR-21: keys of ECDSA P-384, Ed25519 and RSA 2048 are certified, RSA 1024 is not", async () => {
  const now = new Date();
  const ca = await createCa({ commonName: "site CA", validDays: 10, now });
  await using dir = await tempDir();
  for (
    const [kind, key] of [
      ["ECDSA P-384", generateKeyPairSync("ec", { namedCurve: "P-384" })],
      ["Ed25519", generateKeyPairSync("ed25519")],
      ["RSA", generateKeyPairSync("rsa", { modulusLength: 2048 })],
      [undefined, generateKeyPairSync("rsa", { modulusLength: 1024 })],
    ] as const
  ) {
    const csr = await opensslCsr(
      dir.file("key.pem"),
      key.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    );
    if (csr === undefined) return;
    if (kind === undefined) {
      await assert.rejects(verifyCsr(csr), /2048 bits or more/);
      continue;
    }
    const verified = await verifyCsr(csr);
    assert.equal(verified.keyKind, kind);
    const { certPem } = await issueAgentCertificate(
      ca,
      { nodeId: "node-1", domainId: "alps" },
      verified,
      { now },
    );
    assert.deepEqual(new TrustBundle(ca.certPem).verify(certPem, "client", now), { trusted: true });
  }
});

/** A request made by another implementation; undefined where openssl is not installed. */
async function opensslCsr(keyFile: string, keyPem: string): Promise<string | undefined> {
  await Deno.writeTextFile(keyFile, keyPem, { mode: 0o600 });
  try {
    const { stdout, success, stderr } = await new Deno.Command("openssl", {
      args: ["req", "-new", "-key", keyFile, "-subj", "/CN=x"],
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.log("openssl is not installed: other key kinds are not tried");
    return undefined;
  }
}
