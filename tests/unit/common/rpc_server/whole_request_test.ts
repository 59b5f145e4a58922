import assert from "node:assert/strict";
import * as http from "node:http";
import * as net from "node:net";
import { once } from "node:events";
import fc from "fast-check";
import { within } from "../../../support/mod.ts";
import { readWholeRequest } from "../../../../common/rpc_server/whole_request.ts";

const plain =
  "POST /pact.test.EchoService/Echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n" +
  "Authorization:  Bearer a.b.c \r\nConnection: Keep-Alive\r\nContent-Length: 4\r\n\r\n7\u00e9!";

Deno.test("API-1: a request that came in one piece is read with its fields and its body", () => {
  const request = readWholeRequest(Buffer.from(plain));
  assert.equal(request?.target, "/pact.test.EchoService/Echo");
  assert.deepEqual([...request.header], [
    ["content-type", "application/json"],
    ["authorization", "Bearer a.b.c"],
  ]);
  assert.equal(new TextDecoder().decode(request.body), "7\u00e9!");
});

Deno.test("API-1: whatever leaves a doubt where a request ends or what it says is left to node:http", () => {
  const doubtful = [
    plain + "P",
    plain.slice(0, -1),
    plain.slice(0, 60),
    plain.replace("POST", "GET"),
    plain.replace("POST", "post"),
    plain.replace("HTTP/1.1", "HTTP/1.0"),
    plain.replace("Host: x\r\n", ""),
    plain.replace("Host", "Host "),
    plain.replace("Host: x", "Host: x\r\nHost: x"),
    plain.replace("Host: x", "Host: x\r\n folded"),
    plain.replace("Host: x", "Host: x\nY: z"),
    plain.replace("Host: x", "Host: x\rY: z"),
    plain.replace("Host: x", "Host: x\u0000"),
    plain.replace("Host: x", "Host: \u00e9"),
    plain.replace("Keep-Alive", "close"),
    plain.replace("Keep-Alive", "upgrade"),
    plain.replace("Content-Length: 4", "Content-Length: +4"),
    plain.replace("Content-Length: 4", "Content-Length: 4, 4"),
    plain.replace("Content-Length: 4", "Content-Length: 4\r\nContent-Length: 4"),
    plain.replace("Content-Length: 4", "Content-Length: 4\r\nTransfer-Encoding: chunked"),
    plain.replace("Content-Length: 4", "Transfer-Encoding: chunked"),
    plain.replace("Host: x", "Host: x\r\nExpect: 100-continue"),
    plain.replace("Host: x", "Host: x\r\nUpgrade: h2c"),
    plain.replace("Host: x", "Host: x\r\nContent-Encoding: gzip"),
    plain.replace("Host: x", `Host: x\r\nX-Filler: ${"x".repeat(32 * 1024)}`),
    plain.replace(
      "Host: x",
      `Host: x${Array.from({ length: 101 }, (_, n) => `\r\nX-${n}: 1`).join("")}`,
    ),
  ];
  for (const text of doubtful) {
    assert.equal(
      readWholeRequest(Buffer.from(text)),
      undefined,
      JSON.stringify(text.slice(0, 200)),
    );
  }
});

Deno.test("API-92: what is read here node:http reads the same, whatever was done to the bytes", async () => {
  await using reference = await serveReference();
  const piece = fc.constantFrom(
    ...["\r\n", "\n", "\r", ":", " ", "\t", "\u0000", "4", "x", "POST ", "Host: y\r\n", "é", ","],
    ...[
      "Content-Length: 3\r\n",
      "Transfer-Encoding: chunked\r\n",
      "X-A: 1\r\n",
      "HTTP/1.1",
      "0\r\n\r\n",
    ],
  );
  const edit = fc.record({
    at: fc.nat({ max: plain.length }),
    cut: fc.constantFrom(0, 0, 1, 2),
    put: fc.constantFrom("").chain((nothing) => fc.oneof(fc.constant(nothing), piece)),
  });
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { maxLength: 2 }), async (edits) => {
      const text = edits.reduce(
        (whole, { at, cut, put }) => whole.slice(0, at) + put + whole.slice(at + cut),
        plain,
      );
      const bytes = Buffer.from(text);
      const ours = readWholeRequest(bytes);
      if (ours === undefined) return;
      taken++;
      const theirs = await reference.read(bytes);
      assert.equal(ours.target, theirs.url);
      for (const [name, value] of ours.header) assert.equal(theirs.headers[name], value);
      assert.deepEqual(new Uint8Array(ours.body), new Uint8Array(theirs.body));
    }),
    { numRuns: 500 },
  );
  assert.ok(taken > 20, `${taken} requests were taken`);
});

/** node:http, asked what it makes of bytes. */
async function serveReference() {
  let heard = Promise.withResolvers<
    { url: string; headers: http.IncomingHttpHeaders; body: Buffer }
  >();
  const server = http.createServer((request, response) => {
    const chunks: Uint8Array[] = [];
    request.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    request.on("end", () => {
      heard.resolve({
        url: request.url ?? "",
        headers: request.headers,
        body: Buffer.concat(chunks),
      });
      response.end();
    });
  });
  server.on("clientError", (error, socket) => {
    // Other errors are of connections whose answer has been read.
    if ("code" in error && `${error.code}`.startsWith("HPE_")) heard.reject(error);
    socket.destroy();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    read: async (bytes: Uint8Array) => {
      heard = Promise.withResolvers();
      const socket = net.connect(address.port, "127.0.0.1");
      socket.on("error", () => {});
      socket.write(bytes);
      try {
        return await within(heard.promise, { what: `what node:http reads in ${bytes}` });
      } finally {
        socket.destroy();
      }
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      const closed = once(server, "close");
      server.close();
      await closed;
    },
  };
}
