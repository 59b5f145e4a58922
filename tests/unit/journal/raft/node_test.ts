import assert from "node:assert/strict";
import {
  EMPTY_SNAPSHOT,
  type Message,
  message,
  RaftError,
  RaftInvariantError,
  RaftNode,
} from "../../../../journal/raft/mod.ts";
import { DurableLog } from "./durable_log.ts";
import { QuietCluster } from "./quiet_cluster.ts";

const bytes = (size: number) => new Uint8Array(size);

function isDropped(error: unknown): boolean {
  return error instanceof RaftError && error.code === "proposal-dropped";
}

function options() {
  return {
    id: 1,
    storage: new DurableLog(EMPTY_SNAPSHOT, () => EMPTY_SNAPSHOT),
    random: () => 0,
    electionTicks: 10,
    heartbeatTicks: 1,
  };
}

Deno.test("options that contradict each other are refused at the start", () => {
  for (
    const wrong of [
      { maxInflightMessages: 0 },
      { readMode: "lease", checkQuorum: false },
      { electionTicks: 1 },
      { id: 0 },
      { maxAppendEntries: 0 },
      { maxAppendBytes: 100, maxInflightBytes: 99 },
    ] as const
  ) {
    assert.throws(
      () => new RaftNode({ ...options(), ...wrong }),
      (error) => error instanceof RaftInvariantError && error.invariant === "options",
      JSON.stringify(wrong),
    );
  }
});

Deno.test("a stored commit past the end of the log stops the start", () => {
  const broken = options();
  broken.storage.save({ term: 3, vote: 1, commit: 9 }, [], undefined);
  assert.throws(
    () => new RaftNode(broken),
    (error) => error instanceof RaftInvariantError && error.invariant === "commit-range",
  );
});

Deno.test("a second Ready before the advance of the first is a broken promise", () => {
  const cluster = QuietCluster.led(1, 1);
  const { core } = cluster.member(1);
  core.propose(bytes(1));
  core.ready();
  assert.throws(() => core.ready(), RaftInvariantError);
});

Deno.test("what only the member itself may say, and answers of strangers, are refused", () => {
  const { core } = QuietCluster.led(1, 3).member(1);
  const from = (sender: number, type: Message["type"]) =>
    core.step(message({ type, from: sender, to: 1, term: 1 }));
  assert.throws(
    () => from(2, "Hup"),
    (error) => error instanceof RaftError && error.code === "local-message",
  );
  assert.throws(
    () => from(9, "AppResp"),
    (error) => error instanceof RaftError && error.code === "peer-not-found",
  );
});

Deno.test("proposals over the limit of uncommitted bytes are dropped until some are applied", () => {
  const cluster = QuietCluster.led(1, 3, { maxUncommittedBytes: 100 });
  const { core } = cluster.member(1);
  core.propose(bytes(150));
  assert.throws(() => core.propose(bytes(1)), isDropped);
  core.propose(bytes(0));
  cluster.settle();
  core.propose(bytes(60));
  core.propose(bytes(40));
  assert.throws(() => core.propose(bytes(1)), isDropped);
});

Deno.test("append messages keep to their size, but for a single entry that is bigger", () => {
  const cluster = QuietCluster.led(1, 2, { maxAppendBytes: 100 });
  const { core } = cluster.member(1);
  // Held back while they collect, the entries go out in as many messages as needed.
  for (const size of [30, 30, 30, 30, 500, 30]) core.propose(bytes(size));
  cluster.settle(({ type, entries }) => type === "App" && entries.length > 0);
  cluster.carried.length = 0;
  core.reportUnreachable(2);
  core.tick();
  cluster.settle();
  const sizes = cluster.carried.filter(({ type, entries }) => type === "App" && entries.length > 0)
    .map(({ entries }) => entries.map((entry) => entry.kind === "normal" ? entry.data.length : 0));
  assert.deepEqual(sizes, [[30, 30], [30, 30], [500], [30]]);
});

Deno.test("JRN-51: append messages keep to their number of entries", () => {
  const cluster = QuietCluster.led(1, 2, { maxAppendEntries: 3 });
  const { core } = cluster.member(1);
  for (let sent = 0; sent < 8; sent++) core.propose(bytes(10));
  cluster.settle(({ type, entries }) => type === "App" && entries.length > 0);
  cluster.carried.length = 0;
  core.reportUnreachable(2);
  core.tick();
  cluster.settle();
  const counts = cluster.carried.filter(({ type, entries }) => type === "App" && entries.length > 0)
    .map(({ entries }) => entries.length);
  assert.deepEqual(counts, [3, 3, 2]);
});

Deno.test("a stream to a member stops at its limits, by count and by bytes, and goes on with acks", () => {
  for (
    const limits of [
      { maxInflightMessages: 2 },
      { maxInflightBytes: 20, maxAppendBytes: 20 },
    ]
  ) {
    const cluster = QuietCluster.led(1, 2, limits);
    const { core } = cluster.member(1);
    for (let sent = 0; sent < 6; sent++) core.propose(bytes(10));
    cluster.work();
    assert.equal(cluster.network.filter(({ type }) => type === "App").length, 2);
    assert.equal(core.status().progress.get(2)?.isInflightFull, true);
    cluster.settle();
    assert.equal(core.status().commit, 8);
  }
});

Deno.test("an append that only tells a commit is answered by nobody, unless it is refused", () => {
  const cluster = QuietCluster.led(1, 3, { quietCommits: true });
  const { core } = cluster.member(1);
  cluster.carried.length = 0;
  core.propose(bytes(10));
  cluster.settle();
  assert.deepEqual(cluster.members.map(({ core }) => core.status().commit), [3, 3, 3]);
  const ofType = (type: Message["type"]) =>
    cluster.carried.filter((carried) => carried.type === type);
  assert.deepEqual(ofType("App").map(({ entries }) => entries.length), [1, 1, 0, 0]);
  assert.deepEqual(ofType("AppResp").map(({ index }) => index), [3, 3]);

  cluster.carried.length = 0;
  core.propose(bytes(10));
  cluster.settle(({ to, entries }) => to === 3 && entries.length > 0);
  const refusals = ofType("AppResp").filter(({ reject }) => reject);
  assert.deepEqual(refusals.map(({ from }) => from), [3], "who lacks the entry says so");
});

Deno.test("an answer that got lost is asked for again after the next heartbeat", () => {
  const cluster = QuietCluster.led(1, 3, { quietCommits: true });
  const { core } = cluster.member(1);
  core.propose(bytes(10));
  cluster.settle(({ type, from }) => type === "AppResp" && from === 3);
  assert.equal(core.status().progress.get(3)?.match, 2);
  core.tick();
  cluster.settle();
  assert.equal(core.status().progress.get(3)?.match, 3);
});

Deno.test("committed entries that wait for being applied are bounded in asynchronous mode", () => {
  const cluster = QuietCluster.led(1, 1, { asyncStorageWrites: true, maxApplyingBytes: 30 });
  const member = cluster.member(1);
  for (let sent = 0; sent < 4; sent++) member.core.propose(bytes(20));
  for (let round = 0; round < 5; round++) {
    member.processReady();
    member.processAppend();
  }
  assert.equal(member.core.status().commit, 6);
  assert.equal(member.state.index, 2, "only one piece of work was handed out, and none done");
  cluster.work();
  assert.equal(member.state.index, 6);
});

Deno.test("leadership passes to a member that is behind once that one has caught up", () => {
  const cluster = QuietCluster.led(1, 3);
  cluster.member(1).core.propose(bytes(5));
  cluster.settle(({ to }) => to === 3);
  cluster.member(1).core.transferLeadership(3);
  assert.throws(
    () => cluster.member(1).core.propose(bytes(1)),
    isDropped,
    "while it is handed over",
  );
  cluster.member(1).core.tick();
  cluster.settle();
  const { role, term } = cluster.member(3).core.status();
  assert.deepEqual({ role, term }, { role: "leader", term: 2 });
  assert.equal(cluster.member(3).state.index, 4);
});

Deno.test("a leader that hears of no quorum for an election timeout steps down", () => {
  const cluster = QuietCluster.led(1, 3);
  const { core } = cluster.member(1);
  for (let passed = 0; passed < 20; passed++) core.tick();
  assert.equal(core.status().role, "follower");
});

Deno.test("with pre-vote a member that was cut off comes back without an election", () => {
  const cluster = QuietCluster.led(1, 3);
  const away = ({ from, to }: Message) => from === 3 || to === 3;
  for (let passed = 0; passed < 50; passed++) cluster.member(3).core.tick();
  cluster.settle(away);
  assert.equal(cluster.member(3).core.status().role, "pre-candidate");
  cluster.member(1).core.tick();
  cluster.settle();
  assert.deepEqual(cluster.members.map(({ core }) => core.status().term), [1, 1, 1]);
  assert.equal(cluster.member(3).core.status().leader, 1);
});

Deno.test("a proposal to a follower reaches the log through the leader", () => {
  const cluster = QuietCluster.led(1, 3);
  cluster.member(2).core.propose(new Uint8Array([42]));
  cluster.settle();
  assert.deepEqual(cluster.members.map(({ state }) => [...state.data]), [[42], [42], [42]]);
});

Deno.test("a membership change that could not be carried out becomes an empty entry", () => {
  const cluster = QuietCluster.led(1, 1);
  const { core } = cluster.member(1);
  const context = new Uint8Array(0);
  core.proposeMembershipChange({
    transition: "auto",
    changes: [{ kind: "remove", id: 1 }],
    context,
  });
  cluster.settle();
  const last = cluster.applied.at(-1)?.entry;
  assert.deepEqual(last, { kind: "normal", data: new Uint8Array(0), term: 1, index: 3 });
});

Deno.test("a restarted member remembers its vote and hands its log out again", () => {
  const cluster = QuietCluster.led(1, 3);
  cluster.member(1).core.propose(new Uint8Array([9]));
  cluster.settle();
  const member = cluster.member(2);
  member.restart();
  const { term, vote, role, applied } = member.core.status();
  assert.deepEqual({ term, vote, role, applied }, {
    term: 1,
    vote: 1,
    role: "follower",
    applied: 1,
  });
  cluster.settle();
  assert.deepEqual([...member.state.data], [9]);
});
