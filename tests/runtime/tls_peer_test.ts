import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import * as http2 from "node:http2";
import { connect, type TLSSocket } from "node:tls";
import { installHttp2Guard } from "../../common/rpc/mod.ts";
import { createTestPki, type TestPki, waitFor } from "../support/mod.ts";

installHttp2Guard();

interface Seen {
  readonly session: http2.ServerHttp2Session;
  readonly socket: TLSSocket;
}

/** A server that keeps the sessions it sees, and ends with the scope. */
async function startServer(pki: TestPki) {
  const { fullChainPem, keyPem, certPem } = await pki.server();
  const seen: Seen[] = [];
  const server = http2.createSecureServer({
    cert: fullChainPem,
    key: keyPem.reveal(),
    ca: [pki.caPem],
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: "TLSv1.3",
  });
  server.on("session", (session) => {
    session.on("error", () => {});
    const { socket } = session;
    assert.ok(hasCertificate(socket));
    seen.push({ session, socket });
  });
  server.on("stream", (stream) => {
    stream.on("error", () => {});
    stream.respond({ ":status": 200 });
    stream.write("begun");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  return {
    server,
    seen,
    certPem,
    port: address.port,
    async [Symbol.asyncDispose]() {
      for (const { session } of seen) session.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function hasCertificate(socket: object): socket is TLSSocket {
  return typeof Reflect.get(socket, "getPeerCertificate") === "function";
}

/** A client's session whose first call has been answered. */
async function visit(port: number, options: http2.SecureClientSessionOptions) {
  const session = http2.connect(`https://127.0.0.1:${port}`, options);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  session.on("error", reject);
  const stream = session.request({ ":path": "/" });
  stream.on("error", () => {});
  stream.once("data", () => resolve());
  stream.end();
  await promise;
  return session;
}

const derOf = (pem: string) => pem.replace(/-----[^-]*-----|\s/g, "");

Deno.test("getPeerCertificate gives the bytes of the certificate as raw; the socket of a session is a stand-in that still answers", async () => {
  const pki = await createTestPki();
  const agent = await pki.agent({ nodeId: "n1" });
  await using listener = await startServer(pki);
  const session = await visit(listener.port, {
    ca: [pki.caPem],
    cert: agent.certPem,
    key: agent.keyPem.reveal(),
  });
  const [first] = listener.seen;
  assert.ok(first !== undefined);
  const { raw } = first.socket.getPeerCertificate(false);
  assert.equal(Buffer.from(raw).toString("base64"), derOf(agent.certPem));
  session.destroy();
});

Deno.test("a live connection stays authorized when its CA is taken away: trust must be judged anew on each call", async () => {
  const [pki, next] = [await createTestPki("first CA"), await createTestPki("second CA")];
  const agent = await pki.agent({ nodeId: "n1" });
  await using listener = await startServer(pki);
  const session = await visit(listener.port, {
    ca: [pki.caPem],
    cert: agent.certPem,
    key: agent.keyPem.reveal(),
  });
  const { fullChainPem, keyPem } = await next.server();
  listener.server.setSecureContext({
    cert: fullChainPem,
    key: keyPem.reveal(),
    ca: [next.caPem],
  });
  assert.equal(
    listener.seen[0]?.socket.authorized,
    true,
    "the runtime looks again: PeerDirectory may do less",
  );
  session.destroy();
});

Deno.test("a client that takes any server is still shown its certificate, and that it is not trusted", async () => {
  const pki = await createTestPki();
  await using listener = await startServer(pki);
  const socket = connect({
    host: "127.0.0.1",
    port: listener.port,
    rejectUnauthorized: false,
    ALPNProtocols: ["h2"],
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("secureConnect", resolve);
    socket.once("error", reject);
  });
  const { raw } = socket.getPeerCertificate(false);
  assert.equal(Buffer.from(raw).toString("base64"), derOf(listener.certPem));
  assert.equal(socket.authorized, false);
  socket.destroy();
});

Deno.test("the end of a connection ends the wait for a PING on it, by the callback or by close", async () => {
  const pki = await createTestPki();
  await using listener = await startServer(pki);
  const client = await visit(listener.port, { ca: [pki.caPem] });
  const [first] = listener.seen;
  assert.ok(first !== undefined);
  let isToldByClose = false;
  let isToldByPing = false;
  first.session.once("close", () => isToldByClose = true);
  first.session.ping(() => isToldByPing = true);
  client.destroy();
  await waitFor(() => isToldByClose || isToldByPing, { what: "word of the end" });
});
