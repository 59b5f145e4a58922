import assert from "node:assert/strict";
import * as net from "node:net";
import * as tls from "node:tls";
import { create } from "@bufbuild/protobuf";
import { BytesValueSchema } from "@bufbuild/protobuf/wkt";
import { metadata } from "../../../../common/rpc/mod.ts";
import { type RpcServer } from "../../../../common/rpc_server/mod.ts";
import { createTestPki, waitFor, within } from "../../../support/mod.ts";
import { serveEcho, servePlain } from "../rpc/fixture.ts";

Deno.test("API-1: calls, a route and calls again are answered on one connection, whole or in parts", async () => {
  await using server = await servePlain({
    httpRoutes: { "/ready": () => ({ status: 200, contentType: "text/plain", body: "yes" }) },
  });
  const client = await dial(server);
  const first = call("one"), last = call("three");
  await client.say(first);
  await client.hear(answers("one"));
  await client.say(first.slice(0, 70));
  await client.say(first.slice(70));
  await client.hear(answers("one", "one"));
  await client.say("GET /ready HTTP/1.1\r\nhost: x\r\n\r\n");
  await client.hear(/yes\r\n0\r\n\r\n$/);
  await client.say(last);
  await client.hear(answers("one", "one", "three"));
  assert.equal(server.sessionCount, 1);
  client.socket.destroy();
  await waitFor(() => server.sessionCount === 0, { what: "the connection's end" });
});

Deno.test("API-1: calls sent without waiting for answers are answered in order, in one piece or while the first runs", async () => {
  const release = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  await using server = await servePlain({
    interceptors: [(next) => async (request) => {
      if (request.header.has("x-hang")) {
        started.resolve();
        await release.promise;
      }
      return await next(request);
    }],
  });
  const together = await dial(server);
  await together.say(call("one") + call("two") + call("three"));
  await together.hear(answers("one", "two", "three"));

  const early = await dial(server);
  await early.say(call("one", ["x-hang: 1"]));
  await started.promise;
  await early.say(call("two") + call("three").slice(0, 30));
  await early.say(call("three").slice(30) + call("four"));
  assert.equal(early.heard(), "");
  release.resolve();
  await early.hear(answers("one", "two", "three", "four"));
  for (const { socket } of [together, early]) socket.destroy();
});

Deno.test("section 1.2: answers over HTTP/1.1 have a date, their length and whether the connection stays", async () => {
  await using server = await servePlain({
    interceptors: [(next) => async (request) => {
      const answer = await next(request);
      answer.header.set("x-text", "gr\u00fcn");
      answer.trailer.set(metadata.appliedSequence, "7");
      return answer;
    }],
  });
  const client = await dial(server);
  await client.say(call("hello"));
  await client.hear(answers("hello"));
  const [head = "", body = ""] = client.heard().split("\r\n\r\n");
  const fields = new Map(
    head.split("\r\n").slice(1).map((line) => {
      const [name = "", ...value] = line.split(": ");
      return [name, value.join(": ")] as const;
    }),
  );
  assert.ok(Math.abs(Date.parse(fields.get("date") ?? "") - Date.now()) < 5_000);
  assert.equal(fields.get("content-type"), "application/json");
  assert.equal(fields.get("content-length"), `${body.length}`);
  assert.equal(fields.get("connection"), "keep-alive");
  assert.equal(fields.get("keep-alive"), "timeout=75");
  assert.equal(fields.get("trailer-x-pact-applied-sequence"), "7");
  assert.equal(fields.get("x-text"), "gr\u00fcn");
  client.socket.destroy();
});

Deno.test("section 1.2: nothing that a handler says makes a header of its own", async () => {
  const reported: unknown[] = [];
  await using server = await servePlain({
    onInternalError: (error) => reported.push(error),
    interceptors: [(next) => async (request) => {
      const answer = await next(request);
      answer.trailer.set("x-text", "one\r\nset-cookie: two");
      return answer;
    }],
  });
  const client = await dial(server);
  await client.say(call("hello"));
  await client.hear(/^HTTP\/1\.1 500 [^]*INTERNAL: incident/);
  assert.doesNotMatch(client.heard(), /set-cookie/);
  assert.match(String(reported[0]), /header/);
  client.socket.destroy();
});

Deno.test("a connection over TLS that says nothing is told so and ended; one that has called is ended when it is idle", async () => {
  const pki = await createTestPki();
  await using server = await serveEcho(pki, {
    http1: { headersTimeoutMs: 200, idleTimeoutMs: 300 },
  });
  const ends = [false, true].map(async (calls) => {
    const socket = tls.connect({ port: server.port, host: "127.0.0.1", ca: [pki.caPem] });
    let heard = "";
    socket.on("data", (bytes: Uint8Array) => heard += new TextDecoder().decode(bytes));
    const closed = Promise.withResolvers<void>();
    socket.on("close", () => closed.resolve());
    socket.on("error", () => {});
    if (calls) socket.on("secureConnect", () => socket.write(call("hello")));
    await within(closed.promise, { what: "the end of the connection" });
    return heard;
  });
  const [silent, called] = await Promise.all(ends);
  assert.match(silent ?? "", /^HTTP\/1\.1 408 /);
  assert.match(called ?? "", answers("hello"));
  assert.equal(server.sessionCount, 0);
});

Deno.test("a connection is not idle while its answer is on its way", async () => {
  const value = new Uint8Array(12 * 1024 * 1024).fill(7);
  await using server = await servePlain({
    http1: { headersTimeoutMs: 100, idleTimeoutMs: 100 },
    interceptors: [(next) => async (request) => {
      const answer = await next(request);
      return answer.stream ? answer : { ...answer, message: create(BytesValueSchema, { value }) };
    }],
  });
  const client = await dial(server);
  client.socket.pause();
  await client.say(call("hello"));
  await new Promise((resolve) => setTimeout(resolve, 600));
  client.socket.resume();
  const bytes = JSON.stringify(value.toBase64()).length;
  await waitFor(() => client.heard().length > bytes, { what: "the whole answer" });
  await waitFor(() => server.sessionCount === 0, { what: "the end of the connection" });
});

Deno.test("whoever does not read answers is not served more of them", async () => {
  const served: number[] = [];
  await using server = await servePlain({
    interceptors: [(next) => async (request) => {
      served.push(served.length);
      return await next(request);
    }],
  });
  const client = await dial(server);
  client.socket.pause();
  const large = call("x".repeat(40_000));
  const sending = (async () => {
    for (let count = 0; count < 1_000 && !client.socket.destroyed; count++) {
      const before = served.length;
      await client.say(large);
      await waitFor(() => served.length > before || client.socket.destroyed, { what: "a call" });
    }
  })().catch(() => {});
  let last = -1;
  await waitFor(async () => {
    const isStill = served.length === last;
    last = served.length;
    await new Promise((resolve) => setTimeout(resolve, 100));
    return isStill;
  }, { what: "the end of serving", timeoutMs: 10_000 });
  assert.ok(served.length < 1_000, `${served.length} calls were served`);
  client.socket.resume();
  client.socket.destroy();
  await sending;
});

/** A request as callers send it. */
function call(text: string, fields: readonly string[] = []): string {
  const body = JSON.stringify(btoa(text));
  return [
    "POST /pact.test.EchoService/Echo HTTP/1.1",
    ...["host: x", "content-type: application/json", `content-length: ${body.length}`, ...fields],
    ...["", body],
  ].join("\r\n");
}

/** What is heard when these texts are answered, in order. */
function answers(...texts: readonly string[]): RegExp {
  return new RegExp(`^${texts.map((text) => `HTTP/1\\.1 200 [^]*"${btoa(text)}"`).join("[^]*")}$`);
}

/** A bare TCP connection. */
async function dial(server: RpcServer) {
  const socket = net.connect(server.port, "127.0.0.1");
  let heard = "";
  socket.setNoDelay(true);
  socket.on("data", (bytes: Uint8Array) => heard += new TextDecoder("latin1").decode(bytes));
  socket.on("error", () => {});
  const connected = Promise.withResolvers<void>();
  socket.on("connect", () => connected.resolve());
  await connected.promise;
  return {
    socket,
    heard: () => heard,
    /** Resolves when the bytes are in the system's hands. */
    say: (bytes: string) => new Promise<void>((resolve) => socket.write(bytes, () => resolve())),
    hear: (what: RegExp) => waitFor(() => what.test(heard), { what: `${what}` }),
  };
}
