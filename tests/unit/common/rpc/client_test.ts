import assert from "node:assert/strict";
import { createServer } from "node:net";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { systemClock } from "../../../../common/clock/mod.ts";
import {
  connectFirstReachable,
  createRpcTransport,
  isTrustError,
  metadata,
  parseEndpoint,
  retryUnavailable,
} from "../../../../common/rpc/mod.ts";
import {
  createTestPki,
  CuttableWay,
  EchoService,
  freePort,
  waitFor,
  within,
} from "../../../support/mod.ts";
import { bytes, dialEcho, echoRoutes, serveEcho } from "./fixture.ts";

Deno.test("a server whose certificate comes from another CA is not trusted, and no retry is advised", async () => {
  const [pki, foreign] = [await createTestPki(), await createTestPki("foreign CA")];
  await using server = await serveEcho(pki);
  for (const caPem of [foreign.caPem, undefined]) {
    using caller = dialEcho(server, caPem === undefined ? {} : { caPem });
    await assert.rejects(caller.client.echo({}), (error) => {
      assert.ok(error instanceof ConnectError);
      assert.equal(error.code, Code.FailedPrecondition);
      assert.ok(isTrustError(error));
      assert.match(error.rawMessage, /^cannot trust https:\/\/127\.0\.0\.1:\d+: self-signed/);
      return true;
    });
  }
});

Deno.test("an agent dialled by address must show a certificate for its node id", async () => {
  const pki = await createTestPki();
  const { fullChainPem, keyPem } = await pki.server({ commonName: "n", hosts: ["x1000c0s0b0n0"] });
  await using server = await serveEcho(pki, {
    clientAuth: "none",
    tls: { certPem: fullChainPem, keyPem },
  });

  using right = dialEcho(server, { caPem: pki.caPem, serverName: "x1000c0s0b0n0" });
  await right.client.echo({});
  using wrong = dialEcho(server, { caPem: pki.caPem, serverName: "x1000c0s0b0n1" });
  await assert.rejects(wrong.client.echo({}), isTrustError);
  using byAddress = dialEcho(server, { caPem: pki.caPem });
  await assert.rejects(byAddress.client.echo({}), isTrustError);
});

Deno.test("a node's own certificate serves its listener too", async () => {
  const pki = await createTestPki();
  const { fullChainPem, keyPem } = await pki.agent({ nodeId: "x1000c0s0b0n0" });
  await using server = await serveEcho(pki, {
    clientAuth: "none",
    tls: { certPem: fullChainPem, keyPem },
  });
  using caller = dialEcho(server, { caPem: pki.caPem, serverName: "x1000c0s0b0n0" });
  await caller.client.echo({});
});

Deno.test("CLI-14: a port where nobody listens is Unavailable and named", async () => {
  const endpoint = `https://127.0.0.1:${freePort()}`;
  using transport = createRpcTransport({ endpoint });
  await assert.rejects(createClient(EchoService, transport).echo({}), (error) => {
    assert.ok(error instanceof ConnectError);
    assert.equal(error.code, Code.Unavailable);
    assert.ok(error.rawMessage.startsWith(`connection to ${endpoint} failed: `), error.message);
    return true;
  });
});

Deno.test("CLI-5: a host that accepts and says nothing is given up after the connect timeout", async () => {
  const sockets = new Set<{ destroy(): unknown }>();
  const silent = createServer((socket) => sockets.add(socket));
  const port = freePort();
  await new Promise<void>((resolve) => silent.listen(port, "127.0.0.1", resolve));
  try {
    using transport = createRpcTransport({
      endpoint: `https://127.0.0.1:${port}`,
      connectTimeoutMs: 200,
    });
    const refusal = assert.rejects(
      createClient(EchoService, transport).echo({}),
      hasCode(Code.Unavailable),
    );
    // A call itself may take 30 s.
    await within(refusal, { what: "the end of the call", timeoutMs: 20_000 });
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => silent.close(resolve));
  }
});

Deno.test("CLI-5: of several endpoints the first reachable one is used, and none names them all", async () => {
  const pki = await createTestPki();
  await using server = await serveEcho(pki);
  const dead = `https://127.0.0.1:${freePort()}`;
  const alive = `https://127.0.0.1:${server.port}`;

  using transport = await connectFirstReachable({ endpoints: [dead, alive], caPem: pki.caPem });
  assert.equal(transport.endpoint, alive);
  await createClient(EchoService, transport).echo({});

  await assert.rejects(
    connectFirstReachable({ endpoints: [dead, dead], caPem: pki.caPem }),
    new RegExp(`no endpoint can be reached: connection to ${dead} .*; connection to ${dead} `),
  );
});

Deno.test("CLI-5: an address without scheme or port is completed", () => {
  const withCa = { hasCa: true };
  const withoutCa = { hasCa: false };
  assert.equal(parseEndpoint("mgmt-1:9000", withCa), "https://mgmt-1:9000");
  assert.equal(parseEndpoint("mgmt-1", withCa), "https://mgmt-1:9443");
  assert.equal(parseEndpoint("mgmt-1", withoutCa), "http://mgmt-1:9443");
  assert.equal(parseEndpoint("https://mgmt-1", withoutCa), "https://mgmt-1:9443");
  assert.equal(parseEndpoint("https://mgmt-1:443/", withoutCa), "https://mgmt-1:443");
  assert.equal(parseEndpoint("http://[fe80::1]:80", withCa), "http://[fe80::1]:80");
  assert.equal(parseEndpoint("::1", withCa), "https://[::1]:9443");
  assert.equal(
    parseEndpoint("node-1", { hasCa: true, defaultPort: 9445 }),
    "https://node-1:9445",
  );
  for (const bad of ["", "ftp://x", "https://x/path", "https://u:p@x", "x:99999", "a b"]) {
    assert.throws(() => parseEndpoint(bad, withCa), /endpoint/, bad);
  }
});

Deno.test("CLI-6: a token is not sent in cleartext to another machine", () => {
  const endpoint = "http://mgmt-1:9443";
  assert.throws(
    () => createRpcTransport({ endpoint, token: "secret" }),
    /refusing to send credentials over plaintext/,
  );
  createRpcTransport({ endpoint }).close();
  createRpcTransport({ endpoint, token: "secret", allowPlaintextCredentials: true }).close();
  createRpcTransport({ endpoint: "http://127.0.0.1:9443", token: "secret" }).close();
});

Deno.test("a client finds its server again after a restart, and after a GOAWAY", async () => {
  const pki = await createTestPki();
  const first = await serveEcho(pki);
  const listen = { hostname: "127.0.0.1", port: first.port };
  using caller = dialEcho(first, { caPem: pki.caPem });
  await caller.client.echo({});

  await first.close();
  await assert.rejects(caller.client.echo({}), hasCode(Code.Unavailable));

  await using second = await serveEcho(pki, { listen });
  await caller.client.echo({});
  assert.equal(second.disconnect(() => true), 1);
  await retryUnavailable((options) => caller.client.echo({}, options), {
    attempts: 5,
    requestId: "idempotent",
  });
});

Deno.test("a closed transport takes no further call", async () => {
  const pki = await createTestPki();
  await using server = await serveEcho(pki);
  const { client, transport } = dialEcho(server, { caPem: pki.caPem });
  await client.echo({});
  transport.close();
  await assert.rejects(client.echo({}), hasCode(Code.Unavailable));
});

Deno.test("a transport that is closed ends the calls on it, also those that nobody has answered yet", async () => {
  const pki = await createTestPki();
  let isAsked = 0;
  await using server = await serveEcho(pki, {
    routes: (router) => {
      const unanswered = (signal: AbortSignal) =>
        new Promise<never>((_, fail) => {
          isAsked++;
          signal.addEventListener("abort", () => fail(signal.reason));
        });
      router.service(EchoService, {
        echo: (_, { signal }) => unanswered(signal),
        repeat: (_, { signal }) => ({
          [Symbol.asyncIterator]: () => ({ next: () => unanswered(signal) }),
        }),
      });
    },
  });
  await using way = new CuttableWay(`127.0.0.1:${server.port}`);
  using caller = dialEcho(server, {
    caPem: pki.caPem,
    endpoint: `https://127.0.0.1:${way.port}`,
  });
  const calls = [
    caller.client.echo({}),
    Array.fromAsync(caller.client.repeat({})),
  ];
  await waitFor(() => isAsked === calls.length, { what: "both calls to arrive" });
  way.cut();
  const lost = caller.client.echo({});
  await waitFor(() => way.lostBytes > 0, { what: "a third call to be lost on its way" });
  caller.transport.close();
  const ends = [...calls, lost].map((call) => assert.rejects(call, { code: Code.Unavailable }));
  await within(Promise.all(ends), { timeoutMs: 5_000, what: "the calls to end" });
});

Deno.test("a caller that gives up sees Canceled, and the server learns of it", async () => {
  const pki = await createTestPki();
  const aborted = Promise.withResolvers<void>();
  await using server = await serveEcho(pki, {
    interceptors: [(next) => async (request) => {
      request.signal.addEventListener("abort", () => aborted.resolve());
      return await next(request);
    }],
  });
  using caller = dialEcho(server, { caPem: pki.caPem });
  const ended = new AbortController();
  const stream = caller.client.repeat({}, { signal: ended.signal })[Symbol.asyncIterator]();
  await stream.next();

  ended.abort();

  await assert.rejects(async () => {
    while ((await stream.next()).done !== true);
  }, hasCode(Code.Canceled));
  await within(aborted.promise, { what: "the server's handler to see the abort" });
});

Deno.test("a stream's reader that is slow holds the server back", async () => {
  const pki = await createTestPki();
  let sent = 0;
  await using server = await serveEcho(pki, {
    routes: (router) =>
      router.service(EchoService, {
        async *repeat(_, context) {
          while (!context.signal.aborted) {
            sent++;
            yield { value: new Uint8Array(64 * 1024) };
          }
        },
      }),
  });
  using caller = dialEcho(server, { caPem: pki.caPem });
  const stream = caller.client.repeat({})[Symbol.asyncIterator]();
  await stream.next();
  let last = -1;
  await waitFor(async () => {
    const before = last;
    last = sent;
    await new Promise((resolve) => setTimeout(resolve, 200));
    return sent === before;
  }, { what: "the server to pause", timeoutMs: 10_000 });
  assert.ok(sent < 200, `${sent} messages of 64 KiB were sent to a reader that read one`);
  for (let index = 0; index < 300; index++) await stream.next();
  assert.ok(sent > 250);
});

Deno.test("a message of many megabytes arrives whole", async () => {
  const pki = await createTestPki();
  await using server = await serveEcho(pki);
  using caller = dialEcho(server, { caPem: pki.caPem });
  const value = crypto.getRandomValues(new Uint8Array(65_536));
  const large = new Uint8Array(8 * 1024 * 1024);
  for (let at = 0; at < large.length; at += value.length) large.set(value, at);
  assert.deepEqual((await caller.client.echo({ value: large })).value, large);
});

Deno.test("messages go both ways over one long stream", async () => {
  const pki = await createTestPki();
  await using server = await serveEcho(pki);
  using caller = dialEcho(server, { caPem: pki.caPem });
  const answers: string[] = [];
  const requests = async function* () {
    for (const text of ["one", "two", "three"]) {
      yield { value: bytes(text) };
      await waitFor(() => answers.includes(text), { what: `the answer to ${text}` });
    }
  };
  for await (const { value } of caller.client.converse(requests())) {
    answers.push(new TextDecoder().decode(value));
  }
  assert.deepEqual(answers, ["one", "two", "three"]);
});

Deno.test("retries carry one request id, wait ever longer and keep the server's advice", async () => {
  const pki = await createTestPki();
  const requestIds: (string | null)[] = [];
  await using server = await serveEcho(pki, {
    admit({ header }) {
      requestIds.push(header.get(metadata.requestId));
      if (requestIds.length < 4) {
        const advice = requestIds.length === 3 ? "1500" : "0";
        throw new ConnectError("NO_LEADER", Code.Unavailable, { [metadata.retryAfterMs]: advice });
      }
    },
    routes: echoRoutes(),
  });
  using caller = dialEcho(server, { caPem: pki.caPem });
  const delays: number[] = [];
  const waiting = {
    ...systemClock,
    setTimer(delayMs: number, fire: () => void) {
      delays.push(delayMs);
      queueMicrotask(fire);
      return { id: 0 };
    },
    clearTimer() {},
  };

  await retryUnavailable((options) => caller.client.echo({}, options), {
    attempts: 5,
    requestId: "write-1",
    clock: waiting,
    random: () => 0.5,
  });

  assert.deepEqual(requestIds, ["write-1", "write-1", "write-1", "write-1"]);
  assert.deepEqual(delays, [50, 100, 1500]);
});

Deno.test("a refusal is not tried again, and attempts are bounded", async () => {
  let calls = 0;
  const failing = (code: Code) => () => {
    calls++;
    return Promise.reject(new ConnectError("no", code));
  };
  const options = { attempts: 3, requestId: "idempotent", baseDelayMs: 1 } as const;

  await assert.rejects(retryUnavailable(failing(Code.PermissionDenied), options));
  assert.equal(calls, 1);
  await assert.rejects(retryUnavailable(failing(Code.Unavailable), options));
  assert.equal(calls, 4);
});

function hasCode(code: Code): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof ConnectError, `${error}`);
    assert.equal(Code[error.code], Code[code], error.message);
    return true;
  };
}
