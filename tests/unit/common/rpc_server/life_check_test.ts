import assert from "node:assert/strict";
import * as http2 from "node:http2";
import { VirtualClock } from "../../../support/clock/mod.ts";
import { waitFor } from "../../../support/mod.ts";
import { serve, silentPeer } from "./silent_peer.ts";

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
