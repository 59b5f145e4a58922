import assert from "node:assert/strict";
import * as http2 from "node:http2";
import { VirtualClock } from "../../../support/clock/mod.ts";
import { waitFor } from "../../../support/mod.ts";
import { serve, silentPeer } from "./silent_peer.ts";

/**
 * Lets seconds pass, and what they bring about. On one connection everything goes in order: when the server has
 * answered the second question of a live peer, it has that peer's answer to its own.
 */
async function pass(clock: VirtualClock, seconds: number, live?: http2.ClientHttp2Session) {
  for (let second = 0; second < seconds; second++) {
    clock.advance(1000);
    await answered(live);
  }
}

async function answered(live?: http2.ClientHttp2Session): Promise<void> {
  for (let question = 0; question < 2 && live !== undefined; question++) {
    await new Promise((resolve) => live.ping(resolve));
  }
  await new Promise((resolve) => setTimeout(resolve, 1));
}

Deno.test("SUB-7: a peer that does not answer a PING within 10 s loses its connection, one that answers keeps it", async () => {
  const clock = new VirtualClock();
  await using server = await serve(clock);
  const silent = await silentPeer(server);
  const live = http2.connect(`http://127.0.0.1:${server.port}`);
  await waitFor(() => server.sessionCount === 2, { what: "both connections" });
  await pass(clock, 39, live);
  assert.equal(server.sessionCount, 2);
  await pass(clock, 6, live);
  await waitFor(() => server.sessionCount === 1, { what: "the silent peer's end" });
  await pass(clock, 120, live);
  assert.equal(server.sessionCount, 1);
  live.destroy();
  silent.destroy();
});

Deno.test("SUB-7: a time jump ends nobody who answers", async () => {
  const clock = new VirtualClock();
  await using server = await serve(clock);
  const live = http2.connect(`http://127.0.0.1:${server.port}`);
  await waitFor(() => server.sessionCount === 1, { what: "the connection" });
  for (let jump = 0; jump < 10; jump++) {
    clock.advance(900_000);
    await answered(live);
  }
  assert.equal(server.sessionCount, 1);
  live.destroy();
});

Deno.test("SUB-7: connections that end while they are asked leave nothing behind", async () => {
  const clock = new VirtualClock();
  const server = await serve(clock);
  for (let round = 0; round < 20; round++) {
    const clients = Array.from(
      { length: 10 },
      () => http2.connect(`http://127.0.0.1:${server.port}`),
    );
    for (const client of clients) client.on("error", () => {});
    await waitFor(() => server.sessionCount === 10, { what: "the connections" });
    clock.advance(30_000);
    for (const client of clients) client.destroy();
    clock.advance(1_000);
    await waitFor(() => server.sessionCount === 0, { what: "their ends" });
    await pass(clock, 2);
  }
  await server.close();
  assert.equal(clock.pendingTimers, 0);
});
