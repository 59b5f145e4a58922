import assert from "node:assert/strict";
import {
  decodeMembershipContext,
  Directories,
  encodeMembershipContext,
  foundingEntries,
} from "../../../../journal/quorum/mod.ts";
import {
  EMPTY_MEMBERSHIP,
  type Entry,
  type MembershipChange,
  type MessageType,
  type NodeId,
} from "../../../../journal/raft/mod.ts";

const id = (digit: number | string) => String(digit).repeat(32);
const [D1, D2, D3, NEW] = [id(1), id(2), id(3), id("f")];
const THREE = { ...EMPTY_MEMBERSHIP, voters: [1, 2, 3] };

const book = (stored: readonly [NodeId, string][] = [], { self = 1, own = D1 } = {}) =>
  new Directories({ self, own, stored: new Map(stored) });

function record(index: number, directories: Record<string, string>): Entry {
  const context = encodeMembershipContext({ directories });
  const change: MembershipChange = { transition: "auto", changes: [], context };
  return { kind: "membership", form: "list", term: 1, index, change };
}

const plain = (index: number): Entry => ({
  kind: "normal",
  term: 1,
  index,
  data: new Uint8Array(0),
});

const directoriesIn = (change: MembershipChange | undefined) =>
  change && decodeMembershipContext(change.context).directories;

Deno.test("JRN-55: a member counts with the directory that is recorded of it, and with no other", () => {
  const directories = book([[1, D1], [2, D2]]);
  assert.equal(directories.judge(2, D2), "counts");
  assert.equal(directories.judge(2, NEW), "other");
  assert.equal(directories.judge(2, undefined), "other", "nor without one");
});

Deno.test("JRN-55: whose directory is not recorded is listened to, but its answers make no majority", () => {
  const verdict = book([[1, D1]]).judge(3, D3);
  assert.equal(verdict, "unrecorded");
  const taken = (type: MessageType) => book().isTaken(verdict, type);
  for (const type of ["AppResp", "HeartbeatResp", "VoteResp", "PreVoteResp"] as const) {
    assert.ok(!taken(type), type);
    assert.ok(book().isTaken("counts", type), type);
    assert.ok(!book().isTaken("other", type), type);
  }
  for (const type of ["App", "Heartbeat", "Vote", "PreVote", "Prop", "TimeoutNow"] as const) {
    assert.ok(taken(type), type);
  }
});

Deno.test("where no directory is recorded of anybody, as in a log of an earlier version, everybody counts", () => {
  for (const said of [undefined, D2]) assert.equal(book().judge(2, said), "counts");
});

Deno.test("JRN-55: what the log says counts before it is committed, and no longer than it stands there", () => {
  const directories = book([[1, D1]]);
  directories.appended([plain(4), record(5, { 2: D2 })]);
  assert.equal(directories.judge(2, D2), "counts");
  assert.equal(directories.judge(2, NEW), "other");
  directories.appended([plain(5)]);
  assert.equal(directories.judge(2, D2), "unrecorded", "another leader's entry took its place");
});

Deno.test("what is applied takes over from what was ahead in the log, and a removed member is unknown again", () => {
  const directories = book([[1, D1]]);
  directories.appended([record(5, { 2: D2, 3: D3 })]);
  directories.applied(new Map([[1, D1], [2, D2], [3, D3]]), 5);
  assert.equal(directories.recorded(2), D2);
  directories.applied(new Map([[1, D1], [3, D3]]), 9);
  assert.equal(directories.recorded(2), undefined);
  assert.equal(directories.judge(2, NEW), "unrecorded");
});

Deno.test("the first that is recorded of a member counts", () => {
  const directories = book([[1, D1]]);
  directories.appended([record(5, { 2: D2 }), record(6, { 1: NEW, 2: NEW })]);
  assert.equal(directories.recorded(1), D1);
  assert.equal(directories.recorded(2), D2);
});

Deno.test("JRN-55: a member finds out by its own log that it lost its data", () => {
  const directories = book([[1, D1]], { self: 2, own: NEW });
  assert.equal(directories.isDisplaced, false);
  assert.equal(directories.maySend("PreVote"), false, "nobody campaigns before it is recorded");
  assert.equal(directories.maySend("AppResp"), true);
  directories.appended([record(7, { 2: D2 })]);
  assert.equal(directories.isDisplaced, true);
});

Deno.test("JRN-55: until a snapshot that came in is the state, nobody unknown counts", () => {
  const directories = book();
  directories.appended([], { index: 20, term: 1 });
  assert.equal(directories.judge(2, D2), "unrecorded");
  directories.applied(new Map([[2, D2]]), 20);
  assert.equal(directories.judge(2, D2), "counts");
});

Deno.test("a leader records whom it hears of, each once, and asks again only after a while", () => {
  const directories = book([[1, D1], [2, D2]]);
  assert.equal(directories.toRecord(THREE, new Map(), 0), undefined);
  const heard = new Map([[2, D2], [3, D3], [9, id(9)]]);
  const change = directories.toRecord(THREE, heard, 1_000);
  assert.deepEqual(directoriesIn(change), { 3: D3 });
  assert.deepEqual(change?.changes, [{ kind: "update", id: 3 }], "it changes nobody's vote");
  assert.equal(directories.toRecord(THREE, heard, 1_100), undefined);
  assert.deepEqual(directoriesIn(directories.toRecord(THREE, heard, 2_000)), { 3: D3 });
  directories.appended([record(8, { 3: D3 })]);
  assert.equal(directories.toRecord(THREE, heard, 9_000), undefined);
});

Deno.test("a leader records learners too, and nobody in the midst of a joint change", () => {
  const heard = new Map([[4, id(4)]]);
  const learner = { ...EMPTY_MEMBERSHIP, voters: [1], learners: [4] };
  const directories = book([[1, D1]]);
  assert.equal(directories.toRecord({ ...learner, votersOutgoing: [1] }, heard, 0), undefined);
  assert.deepEqual(directoriesIn(directories.toRecord(learner, heard, 0)), { 4: id(4) });
});

Deno.test("upgrade: a quorum of an earlier version is recorded once a majority is known and nobody is silent", () => {
  const record = (heard: [NodeId, string | undefined][]) =>
    directoriesIn(book().toRecord(THREE, new Map(heard), 0));
  assert.equal(record([]), undefined, "one of three");
  assert.equal(record([[2, D2], [3, undefined]]), undefined, "one could not read it");
  assert.deepEqual(record([[2, D2]]), { 1: D1, 2: D2 });
  assert.deepEqual(record([[2, D2], [3, D3]]), { 1: D1, 2: D2, 3: D3 });
});

Deno.test("JRN-55: who founds puts the directories of those it met into the first entries", () => {
  const members = [1, 2, 3].map((id) => ({ id, raft: `h${id}:9444`, api: `h${id}:9443` }));
  const founding = { founder: 2, members, clusterId: "c", now: new Date(0) };
  const met = foundingEntries({ ...founding, directories: new Map([[2, D2], [3, D3]]) });
  const directories = book([], { self: 2, own: D2 });
  directories.appended(met);
  const verdicts = [directories.judge(2, D2), directories.judge(3, D3), directories.judge(1, D1)];
  assert.deepEqual(verdicts, ["counts", "counts", "unrecorded"]);
});
