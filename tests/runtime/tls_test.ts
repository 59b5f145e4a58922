import assert from "node:assert/strict";
import * as http2 from "node:http2";
import type { TLSSocket } from "node:tls";
import { installHttp2Guard } from "../../common/rpc/mod.ts";
import { createTestPki, tempDir, type TestPki } from "../support/mod.ts";

installHttp2Guard();

interface Handshake {
  authorized: boolean;
  subject: string;
}

/** A server that notes the handshakes, and ends with the scope. */
async function startServer(pki: TestPki, extra: http2.SecureServerOptions) {
  const { certPem, keyPem } = await pki.server();
  const handshakes: Handshake[] = [];
  const server = http2.createSecureServer({
    cert: certPem,
    key: keyPem.reveal(),
    ca: [pki.caPem],
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: "TLSv1.3",
    ...extra,
  });
  server.on("session", ({ socket }) => {
    if (!isTlsSocket(socket)) return;
    const subject = socket.getPeerCertificate()?.subject?.CN ?? "";
    handshakes.push({ authorized: socket.authorized, subject });
  });
  server.on("stream", (stream) => {
    stream.respond({ ":status": 200 });
    stream.write("begun");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  return {
    server,
    handshakes,
    origin: `https://127.0.0.1:${address.port}`,
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function isTlsSocket(socket: object): socket is TLSSocket {
  return typeof Reflect.get(socket, "getPeerCertificate") === "function";
}

/** Connects and waits for the first bytes of an answer. */
async function visit(origin: string, options: http2.SecureClientSessionOptions) {
  const session = http2.connect(origin, options);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  session.on("error", reject);
  const stream = session.request({ ":path": "/" });
  stream.on("error", () => {});
  stream.once("data", () => resolve());
  stream.end();
  await promise;
  return { session, stream };
}

Deno.test("node:http2 asks for a client certificate, tells whether it is trusted and whose it is", async () => {
  const [pki, foreign] = [await createTestPki(), await createTestPki("foreign CA")];
  await using listener = await startServer(pki, {});
  for (const issuer of [pki, foreign, undefined]) {
    const agent = await issuer?.agent({ nodeId: "n1" });
    const identity = agent === undefined ? {} : { cert: agent.certPem, key: agent.keyPem.reveal() };
    const { session } = await visit(listener.origin, { ca: [pki.caPem], ...identity });
    session.destroy();
  }
  assert.deepEqual(listener.handshakes, [
    { authorized: true, subject: "pact-service-agent/n1@test" },
    { authorized: false, subject: "pact-service-agent/n1@test" },
    { authorized: false, subject: "" },
  ]);
});

Deno.test("setSecureContext changes the certificate for new connections and leaves live streams alone", async () => {
  const [pki, next] = [await createTestPki("first CA"), await createTestPki("second CA")];
  await using listener = await startServer(pki, {});
  const before = await visit(listener.origin, { ca: [pki.caPem] });
  const { certPem, keyPem } = await next.server();

  listener.server.setSecureContext({ cert: certPem, key: keyPem.reveal(), ca: [next.caPem] });

  const after = await visit(listener.origin, { ca: [next.caPem] });
  await assert.rejects(visit(listener.origin, { ca: [pki.caPem] }));
  assert.equal(before.stream.destroyed, false);
  before.session.destroy();
  after.session.destroy();
});

Deno.test("the option crl is ignored without a word: a revoked certificate is still authorized", async () => {
  const pki = await createTestPki();
  const agent = await pki.agent({ nodeId: "revoked" });
  const crl = await makeCrl(pki, agent.certPem);
  if (crl === undefined) return;
  await using listener = await startServer(pki, { crl: [crl] });

  const { session } = await visit(listener.origin, {
    ca: [pki.caPem],
    cert: agent.certPem,
    key: agent.keyPem.reveal(),
  });

  session.destroy();
  assert.equal(listener.handshakes[0]?.authorized, true, "crl works now: CRT-6 can use it");
});

/** A list that revokes the certificate; undefined where openssl is not installed. */
async function makeCrl(pki: TestPki, certPem: string): Promise<string | undefined> {
  await using dir = await tempDir();
  const config = `
[ca]
default_ca = site
[site]
database = ${dir.file("index.txt")}
crlnumber = ${dir.file("number")}
certificate = ${dir.file("ca.crt")}
private_key = ${dir.file("ca.key")}
default_md = sha256
default_crl_days = 1
`;
  await Deno.writeTextFile(dir.file("ca.cnf"), config);
  await Deno.writeTextFile(dir.file("index.txt"), "");
  await Deno.writeTextFile(dir.file("number"), "01\n");
  await Deno.writeTextFile(dir.file("ca.crt"), pki.caPem);
  await Deno.writeTextFile(dir.file("ca.key"), pki.ca.keyPem.reveal(), { mode: 0o600 });
  await Deno.writeTextFile(dir.file("leaf.crt"), certPem);
  const openssl = (...args: string[]) =>
    new Deno.Command("openssl", { args: ["ca", "-config", dir.file("ca.cnf"), ...args] }).output();
  try {
    const revoked = await openssl("-revoke", dir.file("leaf.crt"));
    assert.ok(revoked.success, new TextDecoder().decode(revoked.stderr));
    const made = await openssl("-gencrl", "-out", dir.file("ca.crl"));
    assert.ok(made.success, new TextDecoder().decode(made.stderr));
    return await Deno.readTextFile(dir.file("ca.crl"));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.log("openssl is not installed: the crl option is not probed");
    return undefined;
  }
}
