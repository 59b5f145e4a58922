import assert from "node:assert/strict";
import { silentLogger } from "../../../../common/log/mod.ts";
import { SYSTEM_IDENTITY } from "../../../../common/model/mod.ts";
import type { CommandInput } from "../../../../journal/state/mod.ts";
import {
  createLiveness,
  scanForSilence,
  type Watch,
  watchHeartbeats,
} from "../../../../journal/streams/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";
import { waitFor } from "../../../support/mod.ts";
import { register, TestState } from "../../../support/journal/mod.ts";

const TIMEOUT_MS = 300_000;
const bySystem = { actor: SYSTEM_IDENTITY };

/** A state whose nodes are active since its beginning. */
function withNodes(...nodeIds: string[]): TestState {
  const state = new TestState();
  for (const [at, nodeId] of nodeIds.entries()) {
    state.send(register(nodeId, `02:00:00:00:00:0${at + 1}`));
    state.send({ type: "ActivateNode", node_id: nodeId });
  }
  return state;
}

const stateOf = (state: TestState, nodeId: string) => state.store.get("enrollments", nodeId)?.state;

/** Proposals that are applied at once. */
function proposingTo(state: TestState): (command: CommandInput) => Promise<void> {
  return (command) => {
    state.send(command, bySystem);
    return Promise.resolve();
  };
}

/** Runs what became due and lets the promises behind it finish. */
async function pass(state: TestState, clock: VirtualClock, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 1000) {
    await clock.advanceAsync(Math.min(1000, left));
    state.nowMs = clock.nowMs();
  }
}

Deno.test("HB-3: a new leader waits one full timeout before its first deactivation", () => {
  using state = withNodes("n1");
  const scan = { leads: true, timeoutMs: TIMEOUT_MS, nowMs: state.nowMs + 10 * TIMEOUT_MS };
  let watch: Watch = { phase: "following" };
  const at = (monotonicMs: number, leads = true) => {
    const found = scanForSilence(watch, state.store, { ...scan, leads, monotonicMs });
    watch = found.watch;
    return found.commands.length;
  };
  assert.deepEqual([at(0), at(150_000), at(299_999), at(300_000)], [0, 0, 0, 1]);
  assert.equal(at(310_000, false), 0, "a follower takes nobody out");
  assert.deepEqual(
    [at(320_000), at(619_999), at(620_000)],
    [0, 0, 1],
    "leading anew, waiting anew",
  );
});

Deno.test("HB-3: whom nobody has heard of for the timeout becomes Inactive, with an entry that says so", async () => {
  using state = withNodes("n1", "n2");
  const clock = new VirtualClock(state.nowMs);
  const stop = watchHeartbeats({
    clock,
    state: state.store,
    leads: () => true,
    propose: proposingTo(state),
    timeoutMs: TIMEOUT_MS,
    onError: (error) => assert.fail(String(error)),
  });
  await pass(state, clock, TIMEOUT_MS + TIMEOUT_MS / 2 - 10_000);
  const last_seen = new Date(clock.nowMs()).toISOString();
  state.send({ type: "UpdateNodeLastSeen", nodes: [{ node_id: "n2", last_seen }] }, bySystem);
  await pass(state, clock, 10_000);
  assert.equal(stateOf(state, "n1"), "Inactive");
  assert.equal(stateOf(state, "n2"), "Active");
  const entry = state.entries().at(-1);
  assert.equal(entry?.entry_type, "NodeDeactivated");
  assert.deepEqual(entry?.scope, { Node: "n1" });
  assert.equal(entry?.message, "heartbeat timeout");
  await stop();
  assert.equal(clock.pendingTimers, 0);
});

Deno.test("HB-3: a node that was seen between the scan and the apply stays Active", () => {
  using state = withNodes("n1");
  const nowMs = state.nowMs + TIMEOUT_MS + 1;
  const watch: Watch = { phase: "leading", sinceMs: 0 };
  const scan = { leads: true, monotonicMs: TIMEOUT_MS, nowMs, timeoutMs: TIMEOUT_MS };
  const { commands } = scanForSilence(watch, state.store, scan);
  assert.equal(commands.length, 1);
  state.nowMs = nowMs;
  const last_seen = new Date(nowMs).toISOString();
  state.send({ type: "UpdateNodeLastSeen", nodes: [{ node_id: "n1", last_seen }] }, bySystem);
  for (const command of commands) state.send(command, bySystem);
  assert.equal(stateOf(state, "n1"), "Active");
});

Deno.test("HB-4: a node that comes back after the timeout is Active again; one within it never was otherwise", async () => {
  using state = withNodes("n1", "n2");
  const clock = new VirtualClock(state.nowMs);
  state.send({ type: "DeactivateNode", node_id: "n1" }, bySystem);
  const before = state.entries().length;
  const liveness = createLiveness({
    state: state.store,
    clock,
    log: silentLogger,
    reportEveryMs: TIMEOUT_MS / 10,
    reportLiveness: (nodes) =>
      proposingTo(state)({ type: "UpdateNodeLastSeen", nodes: [...nodes] }),
    reactivate: (node_id) => proposingTo(state)({ type: "ActivateNode", node_id }),
  });
  const closeFirst = liveness.opened("n1");
  const closeSecond = liveness.opened("n2");
  liveness.seen("n1");
  await pass(state, clock, 1000);
  assert.equal(stateOf(state, "n1"), "Active");
  const written = state.entries().slice(before).map(({ entry_type }) => entry_type);
  assert.deepEqual(written, ["NodeActivated"], "one entry, however often it is seen");
  closeFirst();
  closeSecond();
  await liveness.close();
  assert.equal(clock.pendingTimers, 0);
});

Deno.test("HB-2: a storm of streams that open and close is reported in few batches, each node about as often as it came and went", async () => {
  using state = withNodes("n1");
  const clock = new VirtualClock(state.nowMs);
  const batches: number[] = [];
  const liveness = createLiveness({
    state: state.store,
    clock,
    log: silentLogger,
    reportEveryMs: 15_000,
    reportLiveness: async (nodes) => {
      batches.push(nodes.length);
      await new Promise((resolve) => setTimeout(resolve, 1));
    },
    reactivate: () => Promise.resolve(),
  });
  const closers = Array.from({ length: 5000 }, (_, node) => liveness.opened(`n${node}`));
  const reported = () => batches.reduce((sum, nodes) => sum + nodes, 0);
  await waitFor(() => reported() === 5000, { what: "the arrivals" });
  clock.advance(1000);
  for (const close of closers) close();
  await liveness.close();
  assert.equal(reported(), 10_000);
  assert.ok(batches.length <= 14, `${batches.length} batches`);
  assert.ok(Math.max(...batches) <= 1000);
});
