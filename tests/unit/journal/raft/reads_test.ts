import assert from "node:assert/strict";
import { type Message, RaftError } from "../../../../journal/raft/mod.ts";
import { QuietCluster } from "./quiet_cluster.ts";

const ASKED = new Uint8Array([7, 7]);

function isolated(id: number): (message: Message) => boolean {
  return ({ from, to }) => from === id || to === id;
}

Deno.test("a safe read is answered only after a quorum has shown who leads", () => {
  const cluster = QuietCluster.led(1, 3);
  const leader = cluster.member(1);
  leader.core.readIndex(ASKED);
  cluster.work();
  assert.deepEqual(leader.reads, [], "nobody has confirmed yet");
  cluster.settle();
  assert.deepEqual(leader.reads, [{ index: 2, context: ASKED }]);
});

Deno.test("a leader that was cut off answers no read", () => {
  const cluster = QuietCluster.led(1, 3);
  cluster.member(2).core.forgetLeader();
  cluster.member(3).core.forgetLeader();
  cluster.member(2).core.campaign();
  cluster.settle(isolated(1));
  assert.equal(cluster.member(2).core.status().role, "leader");
  assert.equal(cluster.member(1).core.status().role, "leader", "of its old term");
  cluster.member(1).core.readIndex(ASKED);
  cluster.settle(isolated(1));
  cluster.settle();
  assert.deepEqual(cluster.member(1).reads, []);
});

Deno.test("a follower's read goes to the leader and comes back to the follower", () => {
  const cluster = QuietCluster.led(1, 3);
  cluster.member(3).core.readIndex(ASKED);
  cluster.settle();
  assert.deepEqual(cluster.member(3).reads, [{ index: 2, context: ASKED }]);
  assert.deepEqual(cluster.member(1).reads, []);
});

Deno.test("reads are answered in order, and one round confirms all that came before it", () => {
  const cluster = QuietCluster.led(1, 3);
  const { core, reads } = cluster.member(1);
  for (const mark of [1, 2, 3]) core.readIndex(new Uint8Array([mark]));
  // Of three rounds only the last comes through.
  let round = 0;
  cluster.settle(({ type, from }) => type === "HeartbeatResp" && from === 2 && ++round < 3);
  assert.deepEqual(reads.map(({ context }) => [...context]), [[1], [2], [3]]);
});

Deno.test("a new leader answers reads only once it has committed in its own term", () => {
  const cluster = QuietCluster.led(2, 3, { checkQuorum: false });
  const leader = cluster.member(1);
  leader.core.campaign();
  const holdsBack = ({ type, from }: Message) => type === "AppResp" && from !== 1;
  cluster.settle(holdsBack);
  assert.equal(leader.core.status().role, "leader");
  leader.core.readIndex(ASKED);
  cluster.settle(holdsBack);
  assert.deepEqual(leader.reads, []);
  leader.core.tick();
  cluster.settle();
  assert.deepEqual(leader.reads, [{ index: 3, context: ASKED }]);
});

Deno.test("under a lease, and for a single voter, the leader answers at once", () => {
  for (const [size, options] of [[3, { readMode: "lease" }], [1, {}]] as const) {
    const cluster = QuietCluster.led(1, size, options);
    cluster.member(1).core.readIndex(ASKED);
    cluster.work();
    assert.deepEqual(cluster.member(1).reads, [{ index: 2, context: ASKED }]);
  }
});

Deno.test("more reads than may wait are refused", () => {
  const cluster = QuietCluster.led(1, 3, { maxPendingReads: 2 });
  const { core } = cluster.member(1);
  core.readIndex(ASKED);
  core.readIndex(ASKED);
  assert.throws(
    () => core.readIndex(ASKED),
    (error) => error instanceof RaftError && error.code === "reads-full",
  );
  cluster.settle();
  core.readIndex(ASKED);
});
