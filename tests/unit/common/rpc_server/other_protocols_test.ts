import assert from "node:assert/strict";
import { Code } from "@connectrpc/connect";
import { connectTlsSocket } from "../../../../common/rpc/mod.ts";
import { type Peer, serveRpc } from "../../../../common/rpc_server/mod.ts";
import { createTestPki, waitFor } from "../../../support/mod.ts";

Deno.test("a listener hands connections of another protocol over, tells whose they are, and ends them with the rest", async () => {
  const pki = await createTestPki();
  const { fullChainPem: certPem, keyPem } = await pki.member(1);
  const tls = { certPem, keyPem, clientCaPem: pki.caPem };
  let peer: (() => Peer) | undefined;
  await using server = await serveRpc({
    name: "test",
    listen: { hostname: "127.0.0.1", port: 0 },
    tls,
    clientAuth: "required",
    routes: () => {},
    otherProtocols: new Map([["echo/1", (socket, whose) => {
      peer = whose;
      socket.on("data", (bytes) => socket.write(bytes));
    }]]),
  });
  const caller = await pki.member(2);
  const options = {
    endpoint: `https://127.0.0.1:${server.port}`,
    caPem: pki.caPem,
    certPem: caller.fullChainPem,
    keyPem: caller.keyPem,
    connectTimeoutMs: 3_000,
  };

  const socket = await connectTlsSocket({ ...options, alpnProtocols: ["echo/1", "h2"] });
  assert.equal(socket.alpnProtocol, "echo/1");
  const heard: number[] = [];
  let isClosed = false;
  socket.on("data", (bytes: Uint8Array) => heard.push(...bytes));
  socket.on("close", () => isClosed = true);
  socket.write(new Uint8Array([1, 2, 3]));
  await waitFor(() => heard.length === 3, { what: "the echo" });
  assert.equal(peer?.().certificate?.commonName, "journal-2");
  assert.equal(peer().authorized, true);
  assert.equal(server.sessionCount, 1);

  const other = await connectTlsSocket({ ...options, alpnProtocols: ["h2"] });
  assert.equal(other.alpnProtocol, "h2");
  other.destroy();

  const stranger = await createTestPki("another CA");
  server.rotate({ ...tls, clientCaPem: stranger.caPem });
  assert.equal(peer().authorized, false);
  server.disconnect(({ authorized }) => !authorized);
  await waitFor(() => isClosed, { what: "the end of the connection" });
});

Deno.test("CRT-9: no protocol is spoken with a server that nobody vouches for, or that is refused", async () => {
  const [pki, stranger] = [await createTestPki(), await createTestPki("another CA")];
  const { fullChainPem: certPem, keyPem } = await pki.member(1);
  await using server = await serveRpc({
    name: "test",
    listen: { hostname: "127.0.0.1", port: 0 },
    tls: { certPem, keyPem },
    routes: () => {},
    otherProtocols: new Map([["echo/1", () => {}]]),
  });
  const options = {
    endpoint: `https://127.0.0.1:${server.port}`,
    alpnProtocols: ["echo/1"],
    connectTimeoutMs: 3_000,
  };
  const untrusted = { code: Code.FailedPrecondition };
  await assert.rejects(connectTlsSocket({ ...options, caPem: stranger.caPem }), untrusted);
  const refused = { ...options, caPem: pki.caPem, refuseServer: () => "not the one" };
  await assert.rejects(connectTlsSocket(refused), untrusted);
  const signal = AbortSignal.abort();
  const given = connectTlsSocket({ ...options, caPem: pki.caPem, signal });
  await assert.rejects(given, { code: Code.Canceled });
});
