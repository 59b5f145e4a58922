import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import * as http2 from "node:http2";
import { connect, type Socket } from "node:net";
import { type RpcServer, serveRpc } from "../../../../common/rpc_server/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";
import { waitFor } from "../../../support/mod.ts";
import { echoRoutes } from "../rpc/fixture.ts";

const HELLO = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", "latin1");

async function serve(clock: VirtualClock): Promise<RpcServer> {
  return await serveRpc({
    name: "test",
    listen: { hostname: "127.0.0.1", port: 0 },
    routes: echoRoutes([]),
    peerClock: clock,
  });
}

/** A peer that spoke once and never again, like a machine without power. */
async function silentPeer({ port }: RpcServer): Promise<Socket> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.on("data", () => {});
  await new Promise((resolve) => socket.once("connect", resolve));
  socket.write(HELLO);
  return socket;
}

const everybody = () => true;

Deno.test("9.1: a peer that answers on any of its sessions is there, at once", async () => {
  const clock = new VirtualClock();
  await using server = await serve(clock);
  assert.equal(await server.findLife(() => true, 3_000, () => assert.fail("nobody")), "none");
  const silent = await silentPeer(server);
  const live = http2.connect(`http://127.0.0.1:${server.port}`);
  await waitFor(() => server.sessionCount === 2, { what: "both sessions" });
  assert.equal(await server.findLife(everybody, 3_000, () => assert.fail("it is there")), "alive");
  assert.equal(server.sessionCount, 2);
  live.destroy();
  silent.destroy();
});

Deno.test("9.1: of a peer that answers nowhere one hears before its sessions end", async () => {
  const clock = new VirtualClock();
  await using server = await serve(clock);
  const silent = await silentPeer(server);
  await waitFor(() => server.sessionCount === 1, { what: "the session" });
  let sessionsWhenTold = -1;
  const found = server.findLife(everybody, 3_000, () => sessionsWhenTold = server.sessionCount);
  clock.advance(3_000);
  assert.equal(await found, "gone");
  assert.equal(sessionsWhenTold, 1);
  await waitFor(() => server.sessionCount === 0, { what: "the end of the session" });
  silent.destroy();
});

Deno.test("9.1: a peer that comes back while it is asked is there, and keeps its new session", async () => {
  const clock = new VirtualClock();
  await using server = await serve(clock);
  const silent = await silentPeer(server);
  await waitFor(() => server.sessionCount === 1, { what: "the session" });
  const found = server.findLife(everybody, 3_000, () => assert.fail("it has come back"));
  const back = http2.connect(`http://127.0.0.1:${server.port}`);
  await waitFor(() => server.sessionCount === 2, { what: "its new session" });
  clock.advance(3_000);
  assert.equal(await found, "alive");
  assert.equal(server.sessionCount, 2);
  back.destroy();
  silent.destroy();
});
