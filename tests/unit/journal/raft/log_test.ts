import assert from "node:assert/strict";
import fc from "fast-check";
import {
  EMPTY_SNAPSHOT,
  type Entry,
  limitEntries,
  message,
  RaftInvariantError,
  RaftNode,
} from "../../../../journal/raft/mod.ts";
import { RaftLog } from "../../../../journal/raft/log/mod.ts";
import { DurableLog } from "./durable_log.ts";

function entry(term: number, index: number, size = 0): Entry {
  return { kind: "normal", data: new Uint8Array(size), term, index };
}

/** A log whose first `stable` entries are on disk and whose others are not. */
function logOf(entries: readonly Entry[], stable: number): RaftLog {
  const disk = new DurableLog(EMPTY_SNAPSHOT, () => EMPTY_SNAPSHOT);
  disk.save(undefined, entries.slice(0, stable), undefined);
  const log = new RaftLog(disk, Infinity);
  log.append(entries.slice(stable));
  return log;
}

const logs = fc.record({
  steps: fc.array(
    fc.record({ up: fc.integer({ min: 0, max: 2 }), size: fc.integer({ min: 0, max: 40 }) }),
    { minLength: 1, maxLength: 12 },
  ),
  stable: fc.nat(12),
}).map(({ steps, stable }) => {
  let term = 1;
  const entries = steps.map(({ up, size }, at) => entry(term += up, at + 1, size));
  return { entries, log: logOf(entries, Math.min(stable, entries.length)) };
});

Deno.test("a slice is the same wherever the border between disk and memory lies", () => {
  fc.assert(fc.property(logs, fc.nat(12), fc.nat(12), fc.nat(200), (given, a, b, maxBytes) => {
    const { entries, log } = given;
    const [low, high] = [a, b].map((at) => 1 + at % (entries.length + 1)).sort((x, y) => x - y);
    assert.ok(low !== undefined && high !== undefined);
    const expected = limitEntries(entries.slice(low - 1, high - 1), maxBytes);
    assert.deepEqual(log.slice(low, high, maxBytes), expected);
  }));
});

Deno.test("a conflict search skips exactly what must be of a later term", () => {
  fc.assert(fc.property(logs, fc.nat(12), fc.nat(12), ({ entries, log }, term, at) => {
    const index = Math.min(at, entries.length);
    const below = entries.filter((known) => known.index <= index && known.term <= term).at(-1);
    const found = log.findConflict({ term, index });
    assert.deepEqual(found, { index: below?.index ?? 0, term: below?.term ?? 0 });
  }));
});

Deno.test("a leader's entries replace what differs and leave alone what is there already", () => {
  const log = logOf([entry(1, 1), entry(1, 2), entry(2, 3), entry(2, 4)], 2);
  assert.equal(log.tryAppend({ term: 3, index: 2 }, [], 0), undefined, "unknown predecessor");
  assert.equal(log.tryAppend({ term: 1, index: 1 }, [entry(1, 2)], 9), 2);
  assert.deepEqual([log.lastIndex, log.committed], [4, 2], "commit only what is known to match");
  assert.equal(log.tryAppend({ term: 1, index: 2 }, [entry(3, 3)], 2), 3);
  assert.deepEqual(log.lastEntryId, { term: 3, index: 3 });
  assert.throws(
    () => log.tryAppend({ term: 1, index: 1 }, [entry(4, 2)], 2),
    (error) => error instanceof RaftInvariantError && error.invariant === "log-conflict",
  );
});

Deno.test("an acknowledgement of entries that were replaced since counts for nothing", () => {
  const { unstable } = logOf([], 0);
  unstable.replaceFrom(1, [entry(1, 1), entry(1, 2), entry(1, 3)]);
  unstable.acceptInProgress();
  unstable.replaceFrom(2, [entry(2, 2), entry(2, 3)]);
  assert.equal(unstable.stableTo({ term: 1, index: 3 }), false);
  assert.equal(unstable.offset, 1);
  assert.deepEqual(unstable.nextEntries(), [entry(2, 2), entry(2, 3)], "to be written again");
  assert.equal(unstable.stableTo({ term: 1, index: 1 }), true);
  assert.equal(unstable.stableTo({ term: 2, index: 3 }), true);
  assert.equal(unstable.hasEntries, false);
});

Deno.test("a list that was handed out stays as it is when the log is cut", () => {
  const { unstable } = logOf([], 0);
  unstable.replaceFrom(1, [entry(1, 1), entry(1, 2)]);
  const handedOut = unstable.nextEntries();
  unstable.replaceFrom(2, [entry(2, 2)]);
  assert.deepEqual(handedOut, [entry(1, 1), entry(1, 2)]);
});

/** Member 1 of three, whose one entry is of term 2 and not committed. */
function memberOfThree(): RaftNode {
  const membership = { ...EMPTY_SNAPSHOT.membership, voters: [1, 2, 3] };
  const base = { ...EMPTY_SNAPSHOT, index: 1, term: 1, membership };
  const storage = new DurableLog(base, () => base);
  storage.save({ term: 2, vote: 0, commit: 1 }, [entry(2, 2)], undefined);
  return new RaftNode({
    id: 1,
    storage,
    random: () => 0,
    electionTicks: 10,
    heartbeatTicks: 1,
    preVote: false,
    asyncStorageWrites: true,
  });
}

Deno.test("a leader does not commit an entry of an older term by counting who has it", () => {
  const core = memberOfThree();
  core.campaign();
  core.step(message({ type: "VoteResp", from: 1, to: 1, term: 3 }));
  core.step(message({ type: "VoteResp", from: 2, to: 1, term: 3 }));
  assert.equal(core.status().role, "leader");
  const holds = (from: number, index: number) =>
    core.step(message({ type: "AppResp", from, to: 1, term: 3, index }));
  holds(2, 2);
  holds(3, 2);
  assert.equal(core.status().commit, 1, "two peers and the leader hold it, and it may yet be lost");
  holds(2, 3);
  assert.equal(core.status().commit, 1, "the leader's own entry is not durable");
  holds(1, 3);
  assert.equal(core.status().commit, 3);
});

Deno.test("a change that a snapshot has overtaken is not carried out twice", () => {
  const core = memberOfThree();
  const membership = {
    ...EMPTY_SNAPSHOT.membership,
    voters: [1, 2, 3, 4],
    votersOutgoing: [1, 2, 3],
  };
  const snapshot = { ...EMPTY_SNAPSHOT, index: 9, term: 2, membership };
  core.step(message({ type: "Snap", from: 2, to: 1, term: 2, snapshot }));
  const context = new Uint8Array(0);
  const changes = [{ kind: "add-voter", id: 4 }] as const;
  const change = { transition: "explicit", changes, context } as const;
  assert.deepEqual(core.applyMembershipChange(change, 8), membership);
  assert.throws(() => core.applyMembershipChange(change, 10), RaftInvariantError);
});
