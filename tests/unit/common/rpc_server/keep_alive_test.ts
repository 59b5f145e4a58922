import assert from "node:assert/strict";
import * as http2 from "node:http2";
import { connect, type Socket } from "node:net";
import { Buffer } from "node:buffer";
import { type RpcServer, serveRpc } from "../../../../common/rpc_server/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";
import { waitFor } from "../../../support/mod.ts";
import { echoRoutes } from "../rpc/fixture.ts";

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const EMPTY_SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);

async function serve(clock: VirtualClock): Promise<RpcServer> {
  return await serveRpc({
    name: "test",
    listen: { hostname: "127.0.0.1", port: 0 },
    routes: echoRoutes([]),
    peerClock: clock,
  });
}

/** A peer that speaks first and then never again, like a machine without power. */
async function silentPeer({ port }: RpcServer): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.on("data", () => {});
  await new Promise((resolve) => socket.once("connect", resolve));
  socket.write(Buffer.concat([PREFACE, EMPTY_SETTINGS]));
  return socket;
}

/** Lets seconds pass, and what they bring about. */
async function pass(clock: VirtualClock, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    clock.advance(1000);
    await new Promise((resolve) => setTimeout(resolve, 3));
  }
}

Deno.test("SUB-7: a peer that does not answer a PING within 10 s loses its connection, one that answers keeps it", async () => {
  const clock = new VirtualClock();
  await using server = await serve(clock);
  const silent = await silentPeer(server);
  const live = http2.connect(`http://127.0.0.1:${server.port}`);
  await waitFor(() => server.sessionCount === 2, { what: "both connections" });
  await pass(clock, 39);
  assert.equal(server.sessionCount, 2);
  await pass(clock, 6);
  await waitFor(() => server.sessionCount === 1, { what: "the silent peer's end" });
  await pass(clock, 120);
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
    await new Promise((resolve) => setTimeout(resolve, 20));
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
