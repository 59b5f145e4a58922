import assert from "node:assert/strict";
import { Code, ConnectError } from "@connectrpc/connect";
import { failOnSilence } from "../../../../common/rpc/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";
import { createTestPki, EchoService, waitFor, within } from "../../../support/mod.ts";
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

  const clock = new VirtualClock();
  const ended = assert.rejects(async () => {
    const messages = caller.client.repeat({}, { signal: abort.signal });
    const bound = { maxSilenceMs: 30_000, abort, clock };
    for await (const { value } of failOnSilence(messages, bound)) {
      seen.push(new TextDecoder().decode(value));
    }
  }, (error) => error instanceof ConnectError && error.code === Code.Unavailable);
  await waitFor(() => seen.length === 2, { what: "what the peer says" });
  clock.advance(29_999);
  assert.equal(abort.signal.aborted, false);
  clock.advance(1);

  await within(ended, { what: "the end of the stream" });
  assert.deepEqual(seen, ["one", "two"]);
  await within(left.promise, { what: "the server's handler to end" });
});

Deno.test("HB-1: a stream that speaks often enough goes on, and leaving it tells the server", async () => {
  const pki = await createTestPki();
  const clock = new VirtualClock();
  let count = 0;
  const left = Promise.withResolvers<void>();
  await using server = await serveEcho(pki, {
    routes: (router) =>
      router.service(EchoService, {
        async *repeat(_, context) {
          context.signal.addEventListener("abort", () => left.resolve());
          for (let sent = 0; sent < 10; sent++) {
            await waitFor(() => count === sent, {
              what: "the reader to wait for the next message",
            });
            clock.advance(1_999);
            yield { value: bytes(`${sent}`) };
          }
          await left.promise;
        },
      }),
  });
  using caller = dialEcho(server, { caPem: pki.caPem });
  const abort = new AbortController();
  const messages = caller.client.repeat({}, { signal: abort.signal });
  for await (const _ of failOnSilence(messages, { maxSilenceMs: 2_000, abort, clock })) {
    if (++count === 10) break;
  }
  assert.ok(abort.signal.aborted);
  await within(left.promise, { what: "the server's handler to end" });
});
