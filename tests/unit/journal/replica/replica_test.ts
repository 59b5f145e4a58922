import assert from "node:assert/strict";
import { systemClock } from "../../../../common/clock/mod.ts";
import { type ErrorCode, PactError } from "../../../../common/errors/mod.ts";
import { unstamped } from "../../../../journal/log/mod.ts";
import { foundQuorum } from "../../../../journal/quorum/mod.ts";
import {
  type Applied,
  openReplica,
  type Replica,
  type ReplicaOptions,
} from "../../../../journal/replica/mod.ts";
import { StorageError } from "../../../../journal/storage/mod.ts";
import { encodeWrite, openDurableLog } from "../../../../journal/wal/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";
import { ANN, append, commit, hold, register } from "../../../support/journal/mod.ts";
import { tempDir, waitFor, within } from "../../../support/mod.ts";

const vcluster = { VCluster: "ml" };
const node = { Node: "n1" };
const byAnn = { actor: ANN };

/** Opens a replica for the scope of a test. */
async function openIn(
  dataDir: string,
  options: Partial<ReplicaOptions> = {},
): Promise<Replica & AsyncDisposable> {
  const replica = await openReplica({
    dataDir,
    clock: systemClock,
    random: Math.random,
    ...options,
  });
  return Object.assign(replica, { [Symbol.asyncDispose]: () => replica.close() });
}

const hasCode = (code: ErrorCode) => (error: unknown) =>
  error instanceof PactError && error.code === code;

async function sequencesOf(replica: Replica): Promise<number[]> {
  const sequences: number[] = [];
  for await (const { sequence } of replica.entries()) sequences.push(sequence);
  return sequences;
}

Deno.test("J1, J9: a thousand writers at once get a thousand sequences without a gap", async () => {
  await using dir = await tempDir();
  await using replica = await openIn(dir.path);
  const results = await Promise.all(
    Array.from({ length: 1000 }, (_, i) => replica.submit(commit(node, { a: String(i) }), byAnn)),
  );
  const sequences = results.map((result) => result.kind === "EntryAppended" ? result.sequence : -1);
  assert.deepEqual(sequences.toSorted((a, b) => a - b), [...Array(1000).keys()]);
  assert.deepEqual(await sequencesOf(replica), [...Array(1000).keys()]);
});

Deno.test("JRN-57: the same request id twice at once writes one entry", async () => {
  await using dir = await tempDir();
  await using replica = await openIn(dir.path);
  const once = { ...byAnn, requestId: "deploy-1" };
  const results = await Promise.all(
    [1, 2, 3].map(() => replica.submit(commit(vcluster, { a: "1" }), once)),
  );
  assert.deepEqual(results, Array(3).fill({ kind: "EntryAppended", sequence: 0 }));
  assert.equal(replica.appliedSequence, 0);
});

Deno.test("a rejection comes as an error with its code and text", async () => {
  await using dir = await tempDir();
  await using replica = await openIn(dir.path);
  await assert.rejects(
    replica.submit(append({ parent: 7 }), byAnn),
    (error) => hasCode("PRECONDITION")(error) && /parent must precede/.test(String(error)),
  );
  await assert.rejects(
    replica.submit(append({ scope: { Node: "not a node id" } }), byAnn),
    hasCode("INVALID_ARGUMENT"),
  );
});

Deno.test("JRN-60: a write that is over takes no room of those under way, whatever came of it", async () => {
  await using dir = await tempDir();
  await using replica = await openIn(dir.path);
  const pending = () => replica.quorum.status().pending;
  await replica.submit(commit(node, { a: "1" }), byAnn);
  assert.equal(pending(), 0);
  await assert.rejects(replica.submit(append({ parent: 7 }), byAnn), hasCode("PRECONDITION"));
  assert.equal(pending(), 0);
  const caller = new AbortController();
  const givenUp = replica.submit(commit(node, { a: "2" }), { ...byAnn, signal: caller.signal });
  assert.equal(pending(), 1);
  caller.abort(new Error("the caller is gone"));
  await assert.rejects(givenUp, /the caller is gone/);
  assert.equal(pending(), 0);
});

Deno.test("J8, JRN-59: what was submitted is there to read, and a reader can wait for a sequence", async () => {
  await using dir = await tempDir();
  await using replica = await openIn(dir.path);
  const waiting = replica.waitForSequence(1);
  await replica.submit(commit(node, { a: "1" }), byAnn);
  assert.equal(replica.entry(0)?.entry_type, "Commit");
  await replica.submit(commit(vcluster, { a: "2" }), byAnn);
  await within(waiting, { what: "sequence 1" });
  await replica.waitForSequence(0);
  const stop = new AbortController();
  const never = replica.waitForSequence(1_000_000, stop.signal);
  stop.abort(new Error("deadline"));
  await assert.rejects(never, /deadline/);
});

Deno.test("listeners hear of every applied command in order, before its caller does", async () => {
  await using dir = await tempDir();
  await using replica = await openIn(dir.path);
  const heard: Applied[] = [];
  const stop = replica.onApplied((applied) => heard.push(applied));
  await replica.submit(register("n1", "02:00:00:00:00:01", "ml"), byAnn);
  assert.deepEqual(
    heard.at(-1)?.entries.map(({ entry_type }) => entry_type),
    ["NodeEnrolled", "NodeAssigned"],
  );
  assert.equal(heard.at(-1)?.writes.node_assignments.get("n1")?.vcluster_id, "ml");
  await Promise.allSettled(
    Array.from(
      { length: 50 },
      (_, i) =>
        replica.submit(append({ scope: node, ...(i % 2 === 0 ? {} : { ttl_seconds: 1 }) }), byAnn),
    ),
  );
  const sequences = heard.flatMap(({ entries }) => entries).map(({ sequence }) => sequence);
  assert.deepEqual(sequences, [...Array(27).keys()], "rejected commands are not told of");
  stop();
  await replica.submit(append({ scope: node }), byAnn);
  assert.equal(heard.flatMap(({ entries }) => entries).length, 27);
});

Deno.test("everything is there after a restart, and from the log alone when the state is gone", async () => {
  await using dir = await tempDir();
  {
    await using replica = await openIn(dir.path);
    await replica.submit(register("n1", "02:00:00:00:00:01", "ml"), byAnn);
    await replica.submit(commit(node, { a: "1" }), byAnn);
  }
  {
    await using replica = await openIn(dir.path);
    assert.equal(replica.state.get("enrollments", "n1")?.vcluster_id, "ml");
    assert.equal(replica.appliedSequence, 2);
  }
  await Deno.remove(dir.file("state.db"));
  await using replica = await openIn(dir.path);
  assert.equal(replica.appliedSequence, 2);
  assert.equal(replica.state.get("node_states", "n1")?.state, "Converging");
});

Deno.test("a crash between log and state: the log's newest records are applied at the next start", async () => {
  await using dir = await tempDir();
  {
    await using replica = await openIn(dir.path);
    await replica.submit(commit(vcluster, { a: "1" }), byAnn);
  }
  await Deno.copyFile(dir.file("state.db"), dir.file("older.db"));
  {
    await using replica = await openIn(dir.path);
    await replica.submit(commit(node, { a: "2" }), byAnn);
  }
  await Deno.rename(dir.file("older.db"), dir.file("state.db"));
  await using replica = await openIn(dir.path);
  assert.deepEqual(replica.entry(replica.appliedSequence)?.scope, node);
});

Deno.test("JRN-65: a log that ends before the state does is refused: it lost records", async () => {
  await using dir = await tempDir();
  {
    await using replica = await openIn(dir.path);
    await replica.submit(commit(node, { a: "1" }), byAnn);
  }
  await Deno.remove(dir.file("raft"), { recursive: true });
  await assert.rejects(
    openIn(dir.path),
    (error) =>
      error instanceof StorageError && error.exitCode === 1 && error.kind === "corrupt" &&
      /the log lost records/.test(error.message),
  );
});

Deno.test("two replicas on one directory: the second is refused, the first works on", async () => {
  await using dir = await tempDir();
  await using replica = await openIn(dir.path);
  await assert.rejects(
    openIn(dir.path),
    (error) => error instanceof StorageError && error.kind === "locked",
  );
  await replica.submit(commit(node, { a: "1" }), byAnn);
});

Deno.test("a record this program cannot read stops the replica, not the log", async () => {
  await using dir = await tempDir();
  const log = openDurableLog(dir.file("raft"));
  await foundQuorum(log, {
    founder: 1,
    members: [{ id: 1, raft: "localhost:1", api: "localhost:2" }],
    clusterId: "test",
    now: new Date(0),
  });
  const data = unstamped('{"format":1,"command":{"type":"Dance"}}');
  const hardState = { term: 1, vote: 1, commit: 2 };
  const entries = [{ kind: "normal" as const, term: 1, index: 2, data }];
  await log.write(encodeWrite({ hardState, entries }), true);
  await log.close();
  await assert.rejects(openIn(dir.path), hasCode("DATA_CORRUPT"));
});

Deno.test("OVL-7, OVL-9: overlays are built on demand, once for all who ask", async () => {
  await using dir = await tempDir();
  // A clock that stands still: the rebuild after the Commit does not come in between.
  await using replica = await openIn(dir.path, { clock: new VirtualClock() });
  await replica.submit(commit(vcluster, { a: "1" }), byAnn);
  const overlays = await Promise.all([1, 2, 3].map(() => replica.overlay("ml")));
  assert.deepEqual(overlays.map(({ version }) => version), [1, 1, 1]);
  const types = [0, 1, 2].map((sequence) => replica.entry(sequence)?.entry_type);
  assert.deepEqual(types, ["Commit", "BootConfig", undefined]);
  await assert.rejects(
    replica.overlay("never"),
    (error) => hasCode("NOT_FOUND")(error) && /no overlay for vCluster never/.test(String(error)),
  );
  assert.equal((await replica.overlay("_domain")).version, 1);
});

Deno.test("OVL-6: a burst of Commits is followed by few rebuilds, the last of them up to date", async () => {
  await using dir = await tempDir();
  const clock = new VirtualClock();
  await using replica = await openIn(dir.path, { clock });
  for (let i = 0; i < 20; i++) {
    await replica.submit(commit(vcluster, { a: String(i) }), byAnn);
    await clock.advanceAsync(10);
  }
  await waitFor(async () => {
    await clock.advanceAsync(250);
    return replica.state.get("overlays", "ml")?.data.includes('"a":"19"');
  }, { what: "the overlay of the last Commit" });
  const { version } = await replica.overlay("ml");
  assert.ok(version <= 4, `${version} rebuilds for 20 Commits in 200 ms`);
});

Deno.test("JRN-32: the leader withdraws expired deltas within a minute", async () => {
  await using dir = await tempDir();
  const clock = new VirtualClock();
  const members = [{ id: 1, raft: "localhost:1", api: "localhost:2" }];
  const timing = { tickMs: 10_000, heartbeatTicks: 1, electionTicks: 2 };
  await using replica = await openIn(dir.path, {
    clock,
    quorum: { id: 1, founding: members, timing },
  });
  await replica.submit(commit(node, { a: "1" }, { ttl_seconds: 900 }), byAnn);
  await clock.advanceAsync(900_000);
  await waitFor(async () => {
    await clock.advanceAsync(15_000);
    return replica.entry(1)?.policy_ref === "ttl-expired:0";
  }, { what: "the Rollback of the expired delta" });
});

Deno.test("APR-17: pending approvals expire by the system's decision", async () => {
  await using dir = await tempDir();
  const clock = new VirtualClock();
  await using replica = await openIn(dir.path, { clock });
  await replica.submit(hold("ap-00000001", commit(vcluster, { a: "1" })), byAnn);
  // The wall clock alone: half an hour of ticks takes its time.
  clock.jumpWallClock(1_800_000);
  await waitFor(async () => {
    await clock.advanceAsync(15_000);
    return replica.state.get("approvals", "ap-00000001")?.status === "Expired";
  }, { what: "the approval's expiry" });
  const decided = replica.state.get("approvals", "ap-00000001");
  assert.equal(decided?.approver?.principal, "system/pact-journal");
});

Deno.test("databases are readable by their owner alone", async () => {
  await using dir = await tempDir();
  await using _replica = await openIn(dir.path);
  for (const name of ["state.db", "state.db-wal", "raft/wal-0000000001.seg", "lock"]) {
    const { mode } = await Deno.stat(dir.file(name));
    assert.equal((mode ?? 0) & 0o777, 0o600, name);
  }
});

Deno.test("a reader that is under way when the replica closes is told so", async () => {
  await using dir = await tempDir();
  const replica = await openIn(dir.path);
  await Promise.all(
    Array.from({ length: 300 }, () => replica.submit(append({ scope: node }), byAnn)),
  );
  const read = async () => {
    for await (const _ of replica.entries()) await replica.close();
  };
  await assert.rejects(read(), hasCode("SHUTTING_DOWN"));
});

Deno.test("closing lets writes under way finish and refuses new ones", async () => {
  await using dir = await tempDir();
  const replica = await openIn(dir.path);
  const last = replica.submit(commit(node, { a: "1" }), byAnn);
  const closed = replica.close();
  await assert.rejects(replica.submit(commit(node, { a: "2" }), byAnn), hasCode("SHUTTING_DOWN"));
  assert.deepEqual(await last, { kind: "EntryAppended", sequence: 0 });
  await closed;
});
