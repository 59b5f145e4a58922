import assert from "node:assert/strict";
import { PactError } from "../../../../common/errors/mod.ts";
import { openReplica, type Replica } from "../../../../journal/replica/mod.ts";
import {
  createHub,
  createLiveness,
  follow,
  IDLE_MS,
  type Liveness,
  MAX_QUEUED,
} from "../../../../journal/streams/mod.ts";
import type { CommandInput } from "../../../../journal/state/mod.ts";
import { SYSTEM_IDENTITY } from "../../../../common/model/mod.ts";
import { silentLogger } from "../../../../common/log/mod.ts";
import { waitFor } from "../../../support/mod.ts";
import { tempDir } from "../../../support/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";
import { ANN, commit, register } from "../../../support/journal/mod.ts";

const INTEREST = { vclusterId: "ml", withMemberNodes: false, everything: false };

async function withReplica(
  body: (replica: Replica, clock: VirtualClock) => Promise<void>,
): Promise<void> {
  await using directory = await tempDir();
  const clock = new VirtualClock();
  const replica = await openReplica({
    dataDir: directory.path,
    clock,
    random: Math.random,
  });
  try {
    await body(replica, clock);
  } finally {
    await replica.close();
  }
}

Deno.test("SUB-6: a subscriber that falls behind gets what was queued, then SUBSCRIBER_LAGGED with the last sequence", async () => {
  await withReplica(async (replica, clock) => {
    let lagged = 0;
    const hub = createHub(replica, () => lagged++);
    const stop = new AbortController();
    const updates = follow({ replica, hub, clock }, INTEREST, 0, stop.signal);
    const first = updates.next();
    await replica.submit(commit({ VCluster: "ml" }, { a: "0" }), { actor: ANN });
    await first;
    const write = () => replica.submit(commit({ VCluster: "ml" }, { a: "1" }), { actor: ANN });
    await Promise.all(Array.from({ length: MAX_QUEUED + 20 }, write));
    const seen: number[] = [];
    await assert.rejects(async () => {
      for await (const delivery of updates) {
        if (delivery.kind !== "progress") seen.push(delivery.entry.sequence);
      }
    }, (error) => {
      assert.ok(error instanceof PactError);
      assert.equal(error.code, "SUBSCRIBER_LAGGED");
      assert.equal(error.message, `SUBSCRIBER_LAGGED last=${seen.at(-1)}`);
      return true;
    });
    assert.equal(seen.length, MAX_QUEUED);
    assert.equal(lagged, 1);
    assert.equal(hub.size, 0);

    // SUB-6: resumed from the next one, nothing is missing.
    const resumed = follow({ replica, hub, clock }, INTEREST, (seen.at(-1) ?? 0) + 1, stop.signal);
    const next = await resumed.next();
    assert.ok(!next.done && next.value.kind !== "progress");
    assert.ok(next.value.entry.sequence > (seen.at(-1) ?? 0));
    await resumed.return(undefined);
  });
});

Deno.test("SUB-7: an idle stream tells its progress every minute", async () => {
  await withReplica(async (replica, clock) => {
    await replica.submit(commit({ VCluster: "other" }, { a: "0" }), { actor: ANN });
    const hub = createHub(replica);
    const stop = new AbortController();
    const updates = follow({ replica, hub, clock }, INTEREST, 0, stop.signal);
    const first = updates.next();
    await waitFor(() => hub.size === 1, { what: "the stream to go live" });
    clock.advance(IDLE_MS);
    const { value } = await first;
    assert.deepEqual(value, { kind: "progress", sequence: replica.appliedSequence });
    stop.abort();
    assert.equal((await updates.next()).done, true);
    assert.equal(hub.size, 0);
  });
});

function livenessOf(replica: Replica, clock: VirtualClock): Liveness {
  const propose = (command: CommandInput) => replica.submit(command, { actor: SYSTEM_IDENTITY });
  return createLiveness({
    state: replica.state,
    clock,
    log: silentLogger,
    reportEveryMs: 30_000,
    reportLiveness: (nodes) => propose({ type: "UpdateNodeLastSeen", nodes: [...nodes] }),
    reactivate: (node_id) => propose({ type: "ActivateNode", node_id }),
  });
}

Deno.test("HB-2: sightings are written every 30 s, and the end of a node's stream at once", async () => {
  await withReplica(async (replica, clock) => {
    await replica.submit(register("n1", "02:00:00:00:00:01"), { actor: ANN });
    const liveness = livenessOf(replica, clock);
    const recorded = () => replica.state.get("enrollments", "n1")?.last_seen;
    const close = liveness.opened("n1");
    assert.ok(liveness.isLive("n1"));
    clock.advance(30_000);
    const atReport = new Date(clock.nowMs()).toISOString();
    await waitFor(() => recorded() === atReport, { what: "the report of a live node" });
    clock.advance(7_000);
    assert.equal(liveness.lastSeenMs("n1"), clock.nowMs());
    close();
    const atEnd = new Date(clock.nowMs()).toISOString();
    await waitFor(() => recorded() === atEnd, { what: "the report of the end" });
    assert.ok(!liveness.isLive("n1"));
    clock.advance(1_000);
    liveness.seen("n1");
    await liveness.close();
    assert.equal(recorded(), new Date(clock.nowMs()).toISOString());
  });
});
