import assert from "node:assert/strict";
import * as http from "node:http";
import * as http2 from "node:http2";
import * as https from "node:https";
import * as net from "node:net";
import { gzipSync } from "node:zlib";
import { Code, ConnectError } from "@connectrpc/connect";
import { PactError } from "../../../../common/errors/mod.ts";
import { metadata } from "../../../../common/rpc/mod.ts";
import { type Peer, type RpcServer } from "../../../../common/rpc_server/mod.ts";
import { createTestPki, waitFor, within } from "../../../support/mod.ts";
import { dialEcho, echoRoutes, serveEcho, servePlain } from "../rpc/fixture.ts";

const echoPath = "/pact.test.EchoService/Echo";
const hello = JSON.stringify(btoa("hello"));

Deno.test("API-1: a unary call is answered over cleartext HTTP/1.1, and the connection serves the next one", async () => {
  await using server = await servePlain();
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  for (let call = 0; call < 2; call++) {
    const answer = await post(server, { agent });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["content-type"], "application/json");
    assert.deepEqual(JSON.parse(answer.body), btoa("hello"));
  }
  assert.equal(server.sessionCount, 1);
  agent.destroy();
  await waitFor(() => server.sessionCount === 0, { what: "the connection's end" });
});

Deno.test("API-1: a compressed call is answered over HTTP/1.1, and one that is larger inside than allowed is not", async () => {
  await using server = await servePlain({ readMaxBytes: 64 * 1024 });
  const headers = { "content-encoding": "gzip" };
  const answer = await post(server, { headers, body: gzipSync(hello) });
  assert.equal(answer.status, 200);
  assert.deepEqual(JSON.parse(answer.body), btoa("hello"));
  const bomb = gzipSync(JSON.stringify("A".repeat(1024 * 1024)));
  assert.equal((await post(server, { headers, body: bomb })).status, 429);
});

Deno.test("TEL-1: a plain GET is answered over cleartext HTTP/1.1 and HTTP/2 on one port", async () => {
  await using server = await servePlain({
    httpRoutes: { "/ready": () => ({ status: 200, contentType: "text/plain", body: "yes" }) },
  });
  const overHttp1 = await post(server, { path: "/ready", method: "GET", body: "" });
  assert.deepEqual([overHttp1.status, overHttp1.body], [200, "yes"]);

  const session = http2.connect(`http://127.0.0.1:${server.port}`);
  const stream = session.request({ ":path": "/ready" });
  assert.equal(await text(stream), "yes");
  session.destroy();
});

Deno.test("AUT-11: over HTTP/1.1 with TLS the certificate is judged as over HTTP/2", async () => {
  const [pki, foreign] = [await createTestPki(), await createTestPki("foreign CA")];
  const seen: Peer[] = [];
  await using server = await serveEcho(pki, { routes: echoRoutes(seen) });
  const known = await pki.agent({ nodeId: "x1000c0s0b0n0" });
  const stranger = await foreign.agent();
  for (const { certPem, keyPem } of [known, stranger]) {
    const answer = await post(server, {
      tls: { ca: pki.caPem, cert: certPem, key: keyPem.reveal() },
    });
    assert.equal(answer.status, 200);
  }
  assert.deepEqual(seen.map(({ authorized, encrypted }) => [authorized, encrypted]), [
    [true, true],
    [false, true],
  ]);
  assert.equal(seen[0]?.certificate?.serialHex, known.serialHex);
  assert.equal(seen[1]?.distrust, "not issued by a CA of the trust bundle");
});

Deno.test("CRT-6: disconnect ends the HTTP/1.1 connection of one peer, its call too, and leaves the others", async () => {
  const pki = await createTestPki();
  const started = Promise.withResolvers<void>();
  await using server = await serveEcho(pki, {
    interceptors: [(next) => async (request) => {
      if (request.header.has("x-hang")) {
        started.resolve();
        await new Promise(() => {});
      }
      return await next(request);
    }],
  });
  const [one, two] = [await pki.agent({ nodeId: "one" }), await pki.agent({ nodeId: "two" })];
  const [revoked, other] = [one, two].map(({ certPem, keyPem }) => ({
    ca: pki.caPem,
    cert: certPem,
    key: keyPem.reveal(),
  }));
  assert.ok(revoked !== undefined && other !== undefined);
  const agent = new https.Agent({ keepAlive: true, ...other });
  assert.equal((await post(server, { tls: other, agent })).status, 200);
  const lost = assert.rejects(post(server, { tls: revoked, headers: { "x-hang": "1" } }));
  await started.promise;

  assert.equal(server.disconnect(({ certificate }) => certificate?.serialHex === one.serialHex), 1);

  await within(lost, { what: "the end of the call" });
  assert.equal((await post(server, { tls: other, agent })).status, 200);
  agent.destroy();
});

Deno.test("section 1.2: errors over HTTP/1.1 carry status, stable code and text", async () => {
  await using server = await servePlain({
    admit: ({ header }) => {
      if (!header.has("authorization")) {
        throw new PactError("UNAUTHENTICATED", "missing authorization header");
      }
    },
  });
  const refused = await post(server, {});
  assert.equal(refused.status, 401);
  assert.equal(refused.headers[metadata.error], "UNAUTHENTICATED");
  assert.deepEqual(JSON.parse(refused.body), {
    code: "unauthenticated",
    message: "missing authorization header",
  });
  const unknown = await post(server, { path: "/pact.test.EchoService/Nothing" });
  assert.equal(unknown.status, 404);
});

Deno.test("API-92: a body over HTTP/1.1 that cannot be read is refused without detail", async () => {
  await using server = await servePlain();
  for (const body of ["{", "7", '{"secret-name": "hunter2"}', "\u0000\u0001"]) {
    const refused = await post(server, { body });
    assert.equal(refused.status, 400, body);
    assert.equal(refused.headers[metadata.error], "INVALID_ARGUMENT");
    assert.deepEqual(JSON.parse(refused.body), {
      code: "invalid_argument",
      message: "INVALID_ARGUMENT: the body cannot be read",
    });
  }
});

Deno.test("journal.md 16: a message above the limit is refused over HTTP/1.1 and the connection goes on", async () => {
  await using server = await servePlain({ readMaxBytes: 64 * 1024 });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const large = JSON.stringify(btoa("x".repeat(128 * 1024)));

  const refused = await post(server, { agent, body: large });
  assert.equal(refused.status, 429);
  assert.equal(refused.headers[metadata.error], "RESOURCE_EXHAUSTED");
  assert.equal((await post(server, { agent })).status, 200);
  agent.destroy();
});

Deno.test("API-6: a call over HTTP/1.1 ends at its caller's deadline", async () => {
  await using server = await servePlain({
    interceptors: [() => () => new Promise(() => {})],
  });
  const answer = await post(server, { headers: { "connect-timeout-ms": "100" } });
  assert.equal(answer.headers[metadata.error], "DEADLINE");
  assert.equal(JSON.parse(answer.body).code, "deadline_exceeded");
  const wrong = await post(server, { headers: { "connect-timeout-ms": "soon" } });
  assert.equal(wrong.headers[metadata.error], "INVALID_ARGUMENT");
});

Deno.test("a server stream runs over HTTP/1.1 and ends with SHUTTING_DOWN when the server closes", async () => {
  const server = await servePlain();
  const response = await open(server, {
    path: "/pact.test.EchoService/Repeat",
    headers: { "content-type": "application/connect+json" },
    body: enveloped(hello),
  });
  const chunks: Uint8Array[] = [];
  const ended = Promise.withResolvers<void>();
  response.on("data", (chunk: Uint8Array) => chunks.push(chunk));
  response.on("end", () => ended.resolve());
  const received = () => new TextDecoder().decode(Buffer.concat(chunks));
  await waitFor(() => received().includes(hello), { what: "a message" });

  await within(server.close({ graceMs: 5_000 }), { what: "the server's end", timeoutMs: 3_000 });
  await within(ended.promise, { what: "the end of the stream" });
  assert.match(received(), /"code":"unavailable","message":"SHUTTING_DOWN: /);
});

Deno.test("a closing server lets a call over HTTP/1.1 finish and ends idle and silent connections at once", async () => {
  const release = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  const server = await servePlain({
    interceptors: [(next) => async (request) => {
      if (request.header.has("x-hang")) {
        started.resolve();
        await release.promise;
      }
      return await next(request);
    }],
  });
  const agent = new http.Agent({ keepAlive: true });
  await post(server, { agent });
  const silent = await connect(server);
  const call = post(server, { agent: false, headers: { "x-hang": "1" } });
  await started.promise;
  await waitFor(() => server.sessionCount === 2, { what: "both connections" });

  const closed = server.close({ graceMs: 10_000 });
  await within(silent.ended, { what: "the end of the silent connection" });
  await waitFor(() => server.sessionCount === 1, { what: "the end of the idle connection" });
  release.resolve();

  const answer = await within(call, { what: "the answer" });
  assert.equal(answer.status, 200);
  assert.equal(answer.headers["connection"], "close");
  await within(closed, { what: "the server's end", timeoutMs: 3_000 });
  agent.destroy();
});

Deno.test("headers that are too large, too slow or no HTTP end their connection with the reason", async () => {
  await using server = await servePlain({ http1: { headersTimeoutMs: 300 } });
  const large = await connect(server);
  large.socket.write(`POST ${echoPath} HTTP/1.1\r\nhost: x\r\nx-filler: ${"x".repeat(64 * 1024)}`);
  assert.match(await within(large.ended, { what: "the refusal" }), /^HTTP\/1\.1 431 /);

  const slow = await connect(server);
  slow.socket.write(`POST ${echoPath} HTTP/1.1\r\nhost: x\r\n`);
  assert.match(await within(slow.ended, { what: "the refusal" }), /^HTTP\/1\.1 408 /);

  const foreign = await connect(server);
  foreign.socket.write("SSH-2.0-OpenSSH_9.2\r\n");
  assert.match(await within(foreign.ended, { what: "the refusal" }), /^HTTP\/1\.1 400 /);
  await waitFor(() => server.sessionCount === 0, { what: "the end of all three" });
});

Deno.test("a body that does not come, and a connection that asks nothing more, end in time", async () => {
  await using server = await servePlain({
    http1: { headersTimeoutMs: 200, requestTimeoutMs: 400, idleTimeoutMs: 200 },
  });
  const slow = await connect(server);
  slow.socket.write(
    `POST ${echoPath} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n` +
      "content-length: 100\r\n\r\n{",
  );
  await within(slow.ended, { what: "the end of the slow request" });

  const idle = await connect(server);
  idle.socket.write(
    `POST ${echoPath} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n` +
      `content-length: ${hello.length}\r\n\r\n${hello}`,
  );
  assert.match(await within(idle.ended, { what: "the end of the idle one" }), /^HTTP\/1\.1 200 /);
});

Deno.test("a protocol is recognised from first bytes that arrive one at a time", async () => {
  await using server = await servePlain();
  const request = `POST ${echoPath} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n` +
    `content-type: application/json\r\ncontent-length: ${hello.length}\r\n\r\n${hello}`;
  const http1 = await connect(server);
  for (const character of request.slice(0, 6)) await http1.send(character);
  http1.socket.write(request.slice(6));
  assert.match(await within(http1.ended, { what: "the answer" }), /^HTTP\/1\.1 200 /);

  const http2Client = await connect(server);
  for (const character of "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") await http2Client.send(character);
  // An empty SETTINGS frame completes the preface; the server answers with its own SETTINGS.
  http2Client.socket.write(new Uint8Array([0, 0, 0, 4, 0, 0, 0, 0, 0]));
  await waitFor(() => http2Client.received().length > 9, { what: "the server's settings" });
  assert.equal(http2Client.received().charCodeAt(3), 4);
  http2Client.socket.destroy();
});

Deno.test("HTTP/1.1 connections count against the limit of connections", async () => {
  await using server = await servePlain({ maxSessions: 1 });
  const agent = new http.Agent({ keepAlive: true });
  assert.equal((await post(server, { agent })).status, 200);
  await assert.rejects(post(server, {}));
  using late = dialEcho(server, { endpoint: `http://127.0.0.1:${server.port}` });
  await assert.rejects(late.client.echo({}, { timeoutMs: 3_000 }), (error) => {
    assert.ok(error instanceof ConnectError);
    return error.code === Code.Unavailable;
  });
  assert.equal((await post(server, { agent })).status, 200);
  agent.destroy();
});

Deno.test("a hundred HTTP/1.1 clients come and go rudely, and the server lives on", async () => {
  await using server = await servePlain();
  await Promise.all(Array.from({ length: 100 }, async (_, index) => {
    const client = await connect(server);
    client.socket.write(`POST ${echoPath} HTTP/1.1\r\nhost: x\r\n`.slice(0, index));
    if (index % 2 === 0) client.socket.resetAndDestroy();
    else client.socket.destroy();
  }));
  await waitFor(() => server.sessionCount === 0, { what: "the connections' end" });
  assert.equal((await post(server, {})).status, 200);
});

interface RequestOptions {
  path?: string;
  method?: string;
  body?: string | Uint8Array;
  headers?: Record<string, string>;
  tls?: { ca: string; cert: string; key: string };
  agent?: http.Agent | false;
}

interface Answer {
  status: number | undefined;
  headers: http.IncomingHttpHeaders;
  body: string;
}

async function post(server: RpcServer, options: RequestOptions): Promise<Answer> {
  const response = await open(server, options);
  return {
    status: response.statusCode,
    headers: response.headers,
    body: await text(response),
  };
}

async function open(
  server: RpcServer,
  { path = echoPath, method = "POST", body = hello, headers = {}, tls, agent = false }:
    RequestOptions,
): Promise<http.IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
  const request = (tls === undefined ? http : https).request({
    host: "127.0.0.1",
    port: server.port,
    path,
    method,
    agent,
    ...tls,
    headers: { "content-type": "application/json", ...headers },
  }, resolve);
  request.on("error", reject);
  request.end(body);
  return await promise;
}

async function text(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return new TextDecoder().decode(Buffer.concat(chunks));
}

/** A message in the framing of Connect's streams. */
function enveloped(message: string): Uint8Array {
  const payload = new TextEncoder().encode(message);
  return new Uint8Array([0, 0, 0, 0, payload.length, ...payload]);
}

/** A bare TCP connection; `ended` gives all that came when the other side ends it. */
async function connect(server: RpcServer) {
  const socket = net.connect(server.port, "127.0.0.1");
  const ended = Promise.withResolvers<string>();
  let received = "";
  socket.setNoDelay(true);
  socket.on("data", (chunk: Uint8Array) => received += new TextDecoder("latin1").decode(chunk));
  socket.on("error", () => {});
  socket.on("close", () => ended.resolve(received));
  const connected = Promise.withResolvers<void>();
  socket.on("connect", () => connected.resolve());
  await connected.promise;
  return {
    socket,
    ended: ended.promise,
    received: () => received,
    /** Resolves when the bytes are in the system's hands. */
    send: (bytes: string) => new Promise<void>((resolve) => socket.write(bytes, () => resolve())),
  };
}
