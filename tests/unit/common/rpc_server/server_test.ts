import assert from "node:assert/strict";
import * as http2 from "node:http2";
import fc from "fast-check";
import { Code, ConnectError } from "@connectrpc/connect";
import { metadata } from "../../../../common/rpc/mod.ts";
import { ListenError, type Peer, serveRpc } from "../../../../common/rpc_server/mod.ts";
import { PactError } from "../../../../common/errors/mod.ts";
import { createTestPki, waitFor, within } from "../../../support/mod.ts";
import { bytes, dialEcho, echoRoutes, serveEcho, serverTls } from "../rpc/fixture.ts";

Deno.test("API-5: a handler sees which node's certificate its caller holds, and that it is authorized", async () => {
  const pki = await createTestPki();
  const seen: Peer[] = [];
  await using server = await serveEcho(pki, { routes: echoRoutes(seen) });
  const { certPem, keyPem, serialHex } = await pki.agent({ nodeId: "x1000c0s0b0n0" });
  using caller = dialEcho(server, { caPem: pki.caPem, certPem, keyPem });

  const answer = await caller.client.echo({ value: bytes("hello") });

  assert.deepEqual(answer.value, bytes("hello"));
  const [peer] = seen;
  assert.equal(peer?.authorized, true);
  assert.equal(peer?.remoteAddress, "127.0.0.1");
  assert.equal(peer?.certificate?.kind, "agent");
  assert.equal(peer?.certificate?.kind === "agent" && peer.certificate.nodeId, "x1000c0s0b0n0");
  assert.equal(peer?.certificate?.serialHex, serialHex);
});

Deno.test("API-3: the same listener takes a caller with a token and no certificate", async () => {
  const pki = await createTestPki();
  const seen: Peer[] = [];
  const tokens: (string | null)[] = [];
  await using server = await serveEcho(pki, {
    routes: echoRoutes(seen),
    admit: ({ header }) => void tokens.push(header.get(metadata.authorization)),
  });
  using caller = dialEcho(server, { caPem: pki.caPem, token: () => "abc" });

  await caller.client.echo({ value: bytes("hello") });

  assert.deepEqual(tokens, ["Bearer abc"]);
  assert.equal(seen[0]?.authorized, false);
  assert.equal(seen[0]?.certificate, undefined);
  assert.equal(seen[0]?.encrypted, true);
});

Deno.test("AUT-11: a certificate of a foreign CA reaches the handler as not authorized", async () => {
  const [pki, foreign] = [await createTestPki(), await createTestPki("foreign CA")];
  const seen: Peer[] = [];
  await using server = await serveEcho(pki, { routes: echoRoutes(seen) });
  const { certPem, keyPem } = await foreign.agent();
  using caller = dialEcho(server, { caPem: pki.caPem, certPem, keyPem });

  await caller.client.echo({});

  assert.equal(seen[0]?.authorized, false);
  assert.equal(seen[0]?.distrust, "not issued by a CA of the trust bundle");
});

Deno.test("AUT-11: an expired certificate reaches the handler as not authorized", async () => {
  const pki = await createTestPki();
  const seen: Peer[] = [];
  await using server = await serveEcho(pki, { routes: echoRoutes(seen) });
  const { certPem, keyPem } = await pki.agent({
    now: new Date(Date.now() - 7200_000),
    lifetimeSeconds: 3600,
  });
  using caller = dialEcho(server, { caPem: pki.caPem, certPem, keyPem });

  await caller.client.echo({});

  assert.equal(seen[0]?.distrust, "expired");
});

Deno.test("a listener that requires client certificates takes no caller without one", async () => {
  const pki = await createTestPki();
  await using server = await serveEcho(pki, { clientAuth: "required" });
  const { certPem, keyPem } = await pki.agent();
  using member = dialEcho(server, { caPem: pki.caPem, certPem, keyPem });
  using stranger = dialEcho(server, { caPem: pki.caPem, connectTimeoutMs: 1_000 });

  await member.client.echo({});
  await assert.rejects(stranger.client.echo({}), hasCode(Code.Unavailable));
});

Deno.test("API-3: a refused call fails before its body is parsed, on every kind of call", async () => {
  const pki = await createTestPki();
  const seen: Peer[] = [];
  await using server = await serveEcho(pki, {
    routes: echoRoutes(seen),
    async admit() {
      await Promise.resolve();
      throw new PactError("UNAUTHENTICATED", "UNAUTHENTICATED: no credentials");
    },
  });
  using caller = dialEcho(server, { caPem: pki.caPem });
  const refused = (error: unknown) => {
    assert.ok(error instanceof ConnectError);
    assert.equal(error.code, Code.Unauthenticated);
    assert.equal(error.rawMessage, "UNAUTHENTICATED: no credentials");
    assert.equal(error.metadata.get(metadata.error), "UNAUTHENTICATED");
    return true;
  };

  await assert.rejects(caller.client.echo({}), refused);
  await assert.rejects(first(caller.client.repeat({})), refused);
  await assert.rejects(first(caller.client.converse(never())), refused);
  assert.equal(seen.length, 0);
});

Deno.test("section 1.2: what a handler throws reaches the caller as an incident id, the cause stays", async () => {
  const pki = await createTestPki();
  const reported: unknown[] = [];
  await using server = await serveEcho(pki, {
    routes: (router) => echoRoutes()(router),
    interceptors: [() => () => {
      throw new TypeError("password=hunter2");
    }],
    onInternalError: (error) => reported.push(error),
  });
  using caller = dialEcho(server, { caPem: pki.caPem });

  await assert.rejects(caller.client.echo({}), (error) => {
    assert.ok(error instanceof ConnectError);
    assert.equal(error.code, Code.Internal);
    assert.match(error.rawMessage, /^INTERNAL: incident [0-9a-f]{12}$/);
    assert.equal(error.metadata.get(metadata.error), "INTERNAL");
    return true;
  });
  assert.match(String(reported[0]), /hunter2/);
});

Deno.test("API-6: a handler that never answers ends with DEADLINE_EXCEEDED at the caller's deadline or the default", async () => {
  const pki = await createTestPki();
  await using server = await serveEcho(pki, {
    unaryTimeoutMs: 200,
    interceptors: [(next) => async (request) => {
      if (!request.stream) await new Promise(() => {});
      return await next(request);
    }],
  });
  using caller = dialEcho(server, { caPem: pki.caPem });

  await assert.rejects(
    caller.client.echo({}, { timeoutMs: 100 }),
    hasCode(Code.DeadlineExceeded),
  );
  // A client without a deadline of its own: the server's default ends the call.
  using patient = dialEcho(server, { caPem: pki.caPem, timeoutMs: 0 });
  await assert.rejects(patient.client.echo({}), hasCode(Code.DeadlineExceeded));
});

Deno.test("journal.md 16: a message above the limit is refused and the connection goes on", async () => {
  const pki = await createTestPki();
  await using server = await serveEcho(pki, { readMaxBytes: 64 * 1024 });
  using caller = dialEcho(server, { caPem: pki.caPem });

  await assert.rejects(caller.client.echo({ value: new Uint8Array(1024 * 1024) }), (error) => {
    assert.ok(error instanceof ConnectError);
    assert.equal(error.code, Code.ResourceExhausted);
    assert.equal(error.metadata.get(metadata.error), "RESOURCE_EXHAUSTED");
    assert.match(error.rawMessage, /^RESOURCE_EXHAUSTED: message size 1048580 is larger/);
    return true;
  });
  assert.deepEqual((await caller.client.echo({ value: bytes("small") })).value, bytes("small"));
});

Deno.test("API-10: status messages arrive as they were written, punctuation, lines and other scripts included", async () => {
  const pki = await createTestPki();
  const text = "CONFLICT: 50% of 'a/b' — größer\nsecond line";
  await using server = await serveEcho(pki, {
    admit: () => {
      throw new PactError("CONFLICT", text);
    },
  });
  using caller = dialEcho(server, { caPem: pki.caPem });
  await assert.rejects(caller.client.echo({}), (error) => {
    assert.ok(error instanceof ConnectError);
    assert.equal(error.rawMessage, text);
    return true;
  });
  const session = http2.connect(`https://127.0.0.1:${server.port}`, { ca: [pki.caPem] });
  const trailer = await callRaw(session, new Uint8Array(5));
  session.destroy();
  assert.match(
    `${trailer["grpc-message"]}`,
    /^CONFLICT: 50%25 of 'a\/b' %E2%80%94 gr%C3%B6%C3%9Fer%0A/,
  );
});

Deno.test("API-92: random bytes as a body are answered without detail and never end the server", async () => {
  const pki = await createTestPki();
  const seen: Peer[] = [];
  await using server = await serveEcho(pki, { routes: echoRoutes(seen) });
  const session = http2.connect(`https://127.0.0.1:${server.port}`, { ca: [pki.caPem] });
  try {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), fc.boolean(), async (garbage, framed) => {
        const envelope = new Uint8Array([0, 0, 0, 0, garbage.length, ...garbage]);
        const trailer = await callRaw(session, framed ? envelope : garbage);
        const code = trailer[metadata.error];
        if (trailer["grpc-status"] === "0") return;
        assert.match(`${code}`, /^(INVALID_ARGUMENT|INTERNAL|RESOURCE_EXHAUSTED|UNIMPLEMENTED)$/);
        assert.doesNotMatch(`${trailer["grpc-message"]}`, /parse|wire|tag|EOF/);
      }),
      { numRuns: 200 },
    );
  } finally {
    session.destroy();
  }
  using caller = dialEcho(server, { caPem: pki.caPem });
  await caller.client.echo({});
});

Deno.test("CRT-8: new certificates are taken into use while a stream goes on", async () => {
  const [pki, next] = [await createTestPki("first CA"), await createTestPki("second CA")];
  const seen: Peer[] = [];
  await using server = await serveEcho(pki, { routes: echoRoutes(seen) });
  const { certPem, keyPem } = await pki.agent();
  using before = dialEcho(server, { caPem: pki.caPem, certPem, keyPem });
  await before.client.echo({});
  const ended = new AbortController();
  const stream = before.client.repeat({ value: bytes("tick") }, { signal: ended.signal })
    [Symbol.asyncIterator]();
  await stream.next();

  server.rotate({ ...(await serverTls(next)), clientCaPem: next.caPem });

  assert.deepEqual((await stream.next()).value?.value, bytes("tick"));
  await before.client.echo({});
  using after = dialEcho(server, { caPem: next.caPem });
  await after.client.echo({});
  using old = dialEcho(server, { caPem: pki.caPem });
  await assert.rejects(old.client.echo({}), hasCode(Code.FailedPrecondition));
  // The first call was authorized by the old CA; the second came after the bundle had changed.
  assert.deepEqual(seen.map((peer) => peer.authorized), [true, false, false]);
  ended.abort();
  await assert.rejects(drain(stream), hasCode(Code.Canceled));
});

Deno.test("a rotation with certificates that do not fit leaves the old ones in force", async () => {
  const pki = await createTestPki();
  await using server = await serveEcho(pki);
  const [one, other] = [await serverTls(pki), await serverTls(pki)];

  assert.throws(() => server.rotate({ certPem: one.certPem, keyPem: other.keyPem }));
  assert.throws(() =>
    server.rotate({ certPem: one.certPem, keyPem: other.keyPem, clientCaPem: pki.caPem })
  );

  using caller = dialEcho(server, { caPem: pki.caPem });
  await caller.client.echo({});
});

Deno.test("JRN-6: a port in use is an error that names the listener and the reason", async () => {
  const pki = await createTestPki();
  await using first = await serveEcho(pki);

  await assert.rejects(
    serveEcho(pki, { name: "journal RPC", listen: { hostname: "127.0.0.1", port: first.port } }),
    (error) => {
      assert.ok(error instanceof ListenError);
      assert.equal(
        error.message,
        `cannot open the journal RPC listener on 127.0.0.1:${first.port}: ` +
          "the port is in use by another process",
      );
      return true;
    },
  );
  await assert.rejects(
    serveEcho(pki, { listen: { hostname: "192.0.2.7", port: 0 } }),
    /no such address/,
  );
});

Deno.test("CRT-6: disconnect ends the streams of one peer and leaves the others", async () => {
  const pki = await createTestPki();
  await using server = await serveEcho(pki);
  const [one, two] = [await pki.agent({ nodeId: "one" }), await pki.agent({ nodeId: "two" })];
  using revoked = dialEcho(server, { caPem: pki.caPem, ...one });
  using other = dialEcho(server, { caPem: pki.caPem, ...two });
  const [lost, kept] = [revoked, other].map((caller) =>
    caller.client.repeat({ value: bytes("tick") })[Symbol.asyncIterator]()
  );
  assert.ok(lost !== undefined && kept !== undefined);
  await Promise.all([lost.next(), kept.next()]);

  const ended = server.disconnect(({ certificate }) => certificate?.serialHex === one.serialHex);

  assert.equal(ended, 1);
  await assert.rejects(within(drain(lost), { what: "the end" }), hasCode(Code.Unavailable));
  assert.equal((await kept.next()).done, false);
});

Deno.test(
  "a closing server lets a call finish, tells streams and takes nobody new",
  async () => {
    const pki = await createTestPki();
    const release = Promise.withResolvers<void>();
    const started = Promise.withResolvers<void>();
    const server = await serveEcho(pki, {
      interceptors: [(next) => async (request) => {
        if (!request.stream) {
          started.resolve();
          await release.promise;
        }
        return await next(request);
      }],
    });
    using caller = dialEcho(server, { caPem: pki.caPem });
    const call = caller.client.echo({ value: bytes("late") });
    await started.promise;

    const stream = caller.client.repeat({})[Symbol.asyncIterator]();
    await stream.next();
    const closed = server.close({ graceMs: 5_000 });
    await assert.rejects(drain(stream), (error) => {
      assert.ok(error instanceof ConnectError);
      assert.equal(error.code, Code.Unavailable);
      assert.equal(error.metadata.get(metadata.error), "SHUTTING_DOWN");
      return true;
    });
    using late = dialEcho(server, { caPem: pki.caPem });
    await assert.rejects(late.client.echo({}), hasCode(Code.Unavailable));
    release.resolve();

    assert.deepEqual((await within(call, { what: "the answer" })).value, bytes("late"));
    await within(closed, { timeoutMs: 3_000, what: "the server's end" });
  },
);

Deno.test("a closing server ends the calls that do not finish within its bound", async () => {
  const pki = await createTestPki();
  const server = await serveEcho(pki, {
    interceptors: [() => () => new Promise(() => {})],
  });
  using caller = dialEcho(server, { caPem: pki.caPem });
  const call = assert.rejects(caller.client.echo({}), hasCode(Code.Unavailable));
  await waitFor(() => server.sessionCount === 1, { what: "the session" });

  await within(server.close({ graceMs: 100 }), { what: "the server's end" });
  await within(call, { what: "the end of the call" });
});

Deno.test("TEL-1: a plain HTTPS GET is answered on the RPC port over HTTP/1.1 and h2", async () => {
  const pki = await createTestPki();
  await using server = await serveEcho(pki, {
    httpRoutes: {
      "/auth/discovery": () => ({
        status: 200,
        contentType: "application/json",
        body: '{"client_id":"pact"}',
      }),
    },
  });
  const origin = `https://localhost:${server.port}`;
  for (const http2 of [true, false]) {
    using client = Deno.createHttpClient({ caCerts: [pki.caPem], http1: !http2, http2 });

    const found = await fetch(`${origin}/auth/discovery`, { client });
    assert.equal(found.status, 200);
    assert.deepEqual(await found.json(), { client_id: "pact" });
    const missing = await fetch(`${origin}/toString`, { client });
    assert.equal(missing.status, 404);
    await missing.body?.cancel();
  }
});

Deno.test("a listener without TLS speaks cleartext HTTP/2", async () => {
  await using server = await serveRpc({
    name: "plain",
    listen: { hostname: "127.0.0.1", port: 0 },
    routes: echoRoutes(),
  });
  using caller = dialEcho(server, { endpoint: `http://127.0.0.1:${server.port}` });
  assert.deepEqual((await caller.client.echo({ value: bytes("x") })).value, bytes("x"));
});

Deno.test("a hundred clients come and go, politely and rudely, and the server lives on", async () => {
  const pki = await createTestPki();
  await using server = await serveEcho(pki);
  await Promise.all(Array.from({ length: 100 }, async (_, index) => {
    using caller = dialEcho(server, { caPem: pki.caPem, connectTimeoutMs: 20_000 });
    await caller.client.echo({ value: bytes(`${index}`) });
    if (index % 2 === 0) await first(caller.client.repeat({}));
  }));
  await waitFor(() => server.sessionCount === 0, { what: "the sessions' end", timeoutMs: 10_000 });
  using caller = dialEcho(server, { caPem: pki.caPem });
  await caller.client.echo({});
});

Deno.test("a full listener sends further connections away", async () => {
  const pki = await createTestPki();
  await using server = await serveEcho(pki, { maxSessions: 1 });
  using one = dialEcho(server, { caPem: pki.caPem });
  await one.client.echo({});
  using two = dialEcho(server, { caPem: pki.caPem });
  await assert.rejects(two.client.echo({}, { timeoutMs: 3_000 }), hasCode(Code.Unavailable));
  await one.client.echo({});
});

/** Sends a body as it is to the echo method; resolves to the trailers. */
async function callRaw(
  session: http2.ClientHttp2Session,
  body: Uint8Array,
): Promise<http2.IncomingHttpHeaders> {
  const stream = session.request({
    ":method": "POST",
    ":path": "/pact.test.EchoService/Echo",
    "content-type": "application/grpc+proto",
    te: "trailers",
  });
  const { promise, resolve, reject } = Promise.withResolvers<http2.IncomingHttpHeaders>();
  stream.on("trailers", resolve);
  stream.on("response", (headers) => {
    if (headers["grpc-status"] !== undefined) resolve(headers);
  });
  stream.on("error", reject);
  stream.resume();
  stream.end(body);
  return await within(promise, { what: "the trailers" });
}

function hasCode(code: Code): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof ConnectError, `${error}`);
    assert.equal(Code[error.code], Code[code], error.message);
    return true;
  };
}

async function first<T>(messages: AsyncIterable<T>): Promise<T | undefined> {
  for await (const message of messages) return message;
  return undefined;
}

async function drain<T>(iterator: AsyncIterator<T>): Promise<void> {
  while ((await iterator.next()).done !== true);
}

async function* never(): AsyncGenerator<{ value: Uint8Array<ArrayBuffer> }> {
  await new Promise(() => {});
  yield { value: new Uint8Array() };
}
