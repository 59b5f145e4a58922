import assert from "node:assert/strict";
import * as http2 from "node:http2";
import { installHttp2Guard } from "../../common/rpc/mod.ts";
import { createTestPki } from "../support/mod.ts";

installHttp2Guard();

Deno.test("Deno.serve does not ask for a client certificate, whatever it is told", async () => {
  const pki = await createTestPki();
  const { certPem, keyPem } = await pki.server();
  const wishes = { requestCert: true, clientAuth: "required", ca: pki.caPem };
  await using server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    cert: certPem,
    key: keyPem.reveal(),
    onListen: () => {},
    ...wishes,
  }, (_request, info) => new Response(Object.keys(info).sort().join()));
  using client = Deno.createHttpClient({ caCerts: [pki.caPem] });

  const answer = await fetch(`https://127.0.0.1:${server.addr.port}/`, { client });

  assert.equal(answer.status, 200, "a caller without a certificate is let in");
  assert.doesNotMatch(await answer.text(), /cert|peer/i);
});

Deno.test("Deno.serve sends no trailers, so gRPC cannot run on it", async () => {
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response("body", { headers: { trailer: "grpc-status" } }),
  );
  const session = http2.connect(`http://127.0.0.1:${server.addr.port}`);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  let hasTrailers = false;
  const stream = session.request({ ":path": "/" });
  stream.on("trailers", () => hasTrailers = true);
  stream.on("end", () => resolve(hasTrailers));
  stream.resume();
  stream.end();

  assert.equal(await promise, false);
  assert.equal("trailers" in Response.prototype, false, "responses have trailers now");
  session.destroy();
});
