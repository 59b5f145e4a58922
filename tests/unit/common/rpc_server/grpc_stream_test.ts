import assert from "node:assert/strict";
import * as http2 from "node:http2";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BytesValueSchema } from "@bufbuild/protobuf/wkt";
import { frameOf } from "../../../../common/rpc_server/grpc_frame.ts";
import { serveRpc } from "../../../../common/rpc_server/mod.ts";
import { EchoService, within } from "../../../support/mod.ts";
import { framed } from "../../../support/journal/mod.ts";
import { PactError } from "../../../../common/errors/mod.ts";
import { bytes } from "../rpc/fixture.ts";

type Fields = Record<string, unknown>;

/** One server-stream call over cleartext HTTP/2, seen as its headers, bytes and trailers. */
function call(port: number, body: Uint8Array, more: Readonly<Record<string, string>> = {}) {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  const stream = session.request({
    ":method": "POST",
    ":path": `/${EchoService.typeName}/${EchoService.method.repeat.name}`,
    "content-type": "application/grpc",
    te: "trailers",
    ...more,
  });
  const headers = Promise.withResolvers<Fields>();
  const trailers = Promise.withResolvers<Fields>();
  const chunks: Uint8Array[] = [];
  stream.on("response", (fields) => {
    headers.resolve(fields);
    if ("grpc-status" in fields) trailers.resolve(fields);
  });
  stream.on("trailers", (fields) => trailers.resolve(fields));
  stream.on("data", (chunk: Uint8Array) => void chunks.push(chunk));
  stream.on("error", (error) => {
    headers.reject(error);
    trailers.reject(error);
  });
  stream.end(body);
  headers.promise.catch(() => {});
  trailers.promise.catch(() => {});
  return {
    headers: within(headers.promise, { what: "headers" }),
    trailers: within(trailers.promise, { what: "trailers" }),
    received: () => Buffer.concat(chunks),
    [Symbol.dispose]: () => session.destroy(),
  };
}

const request = framed(toBinary(BytesValueSchema, create(BytesValueSchema, { value: bytes("x") })));

Deno.test("SUB-1: whoever subscribes learns that the stream stands before its first message comes", async () => {
  const release = Promise.withResolvers<void>();
  await using server = await serveRpc({
    name: "test",
    listen: { hostname: "127.0.0.1", port: 0 },
    routes: (router) =>
      router.rpc(EchoService.method.repeat, async function* () {
        await release.promise;
        yield { value: bytes("late") };
      }),
  });
  using stream = call(server.port, request);

  assert.equal((await stream.headers)[":status"], 200);
  assert.equal(stream.received().length, 0);
  release.resolve();
  assert.equal((await stream.trailers)["grpc-status"], "0");
  assert.deepEqual(
    new Uint8Array(fromBinary(BytesValueSchema, stream.received().subarray(5)).value),
    bytes("late"),
  );
});

Deno.test("API-10: a stream that fails ends with its code, in the encoding that every client reads", async () => {
  await using server = await serveRpc({
    name: "test",
    listen: { hostname: "127.0.0.1", port: 0 },
    routes: (router) =>
      // deno-lint-ignore require-yield
      router.rpc(EchoService.method.repeat, async function* () {
        throw new PactError("VCLUSTER_CHANGED", "VCLUSTER_CHANGED: node ü, 100 %", {
          trailers: { "retry-after-ms": "200" },
        });
      }),
  });
  using stream = call(server.port, request);
  const trailers = await stream.trailers;
  assert.equal(trailers["grpc-status"], "10");
  assert.equal(trailers["grpc-message"], "VCLUSTER_CHANGED: node %C3%BC, 100 %25");
  assert.equal(trailers["x-pact-error"], "VCLUSTER_CHANGED");
  assert.equal(trailers["retry-after-ms"], "200");
});

Deno.test("API-92: a body that is not one whole frame is refused before the handler runs", async () => {
  let called = 0;
  await using server = await serveRpc({
    name: "test",
    listen: { hostname: "127.0.0.1", port: 0 },
    routes: (router) =>
      // deno-lint-ignore require-yield
      router.rpc(EchoService.method.repeat, async function* () {
        called++;
      }),
  });
  const compressed = request.slice();
  compressed[0] = 1;
  const bodies = [
    new Uint8Array(),
    request.slice(0, -1),
    new Uint8Array([...request, 0]),
    new Uint8Array([...request, ...request]),
    compressed,
    framed(new Uint8Array([0xff, 0xff])),
  ];
  for (const body of bodies) {
    using stream = call(server.port, body);
    const trailers = await stream.trailers;
    assert.equal(trailers["grpc-status"], "3", JSON.stringify(trailers));
    assert.equal(trailers["x-pact-error"], "INVALID_ARGUMENT");
  }
  assert.equal(called, 0);
});

Deno.test("API-6: a stream with a deadline ends with it", async () => {
  await using server = await serveRpc({
    name: "test",
    listen: { hostname: "127.0.0.1", port: 0 },
    routes: (router) =>
      router.rpc(EchoService.method.repeat, async function* (_request, { signal }) {
        yield { value: bytes("first") };
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        signal.throwIfAborted();
      }),
  });
  using stream = call(server.port, request, { "grpc-timeout": "50m" });
  assert.equal((await stream.trailers)["grpc-status"], "4");
});

Deno.test("BOOT-10: a message that goes to many streams has one frame", () => {
  const message = create(BytesValueSchema, { value: bytes("shared") });
  assert.equal(
    frameOf(BytesValueSchema, message, 1024),
    frameOf(BytesValueSchema, message, 1024),
  );
  assert.throws(() =>
    frameOf(BytesValueSchema, create(BytesValueSchema, { value: bytes("big") }), 2)
  );
});
