import assert from "node:assert/strict";
import { Code, ConnectError } from "@connectrpc/connect";
import { failOnSilence } from "../../../../common/rpc/mod.ts";
import { createTestPki, EchoService, within } from "../../../support/mod.ts";
import { bytes, dialEcho, serveEcho } from "./fixture.ts";

Deno.test("HB-1: a stream whose peer falls silent fails, and the server learns that its reader is gone", async () => {
  const pki = await createTestPki();
  const left = Promise.withResolvers<void>();
  await using server = await serveEcho(pki, {
    routes: (router) =>
      router.service(EchoService, {
        async *repeat(_, context) {
          context.signal.addEventListener("abort", () => left.resolve());
          for (const text of ["one", "two"]) yield { value: bytes(text) };
          await left.promise;
        },
      }),
  });
  using caller = dialEcho(server, { caPem: pki.caPem });
  const abort = new AbortController();
  const seen: string[] = [];

  await assert.rejects(async () => {
    const messages = caller.client.repeat({}, { signal: abort.signal });
    for await (const { value } of failOnSilence(messages, { maxSilenceMs: 200, abort })) {
      seen.push(new TextDecoder().decode(value));
    }
  }, (error) => error instanceof ConnectError && error.code === Code.Unavailable);

  assert.deepEqual(seen, ["one", "two"]);
  await within(left.promise, { what: "the server's handler to end" });
});

Deno.test("HB-1: a stream that speaks often enough goes on, and leaving it tells the server", async () => {
  const pki = await createTestPki();
  await using server = await serveEcho(pki);
  using caller = dialEcho(server, { caPem: pki.caPem });
  const abort = new AbortController();
  let count = 0;
  const messages = caller.client.repeat({}, { signal: abort.signal });
  for await (const _ of failOnSilence(messages, { maxSilenceMs: 2_000, abort })) {
    if (++count === 20) break;
  }
  assert.equal(count, 20);
  assert.ok(abort.signal.aborted);
});
