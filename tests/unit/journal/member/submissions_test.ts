import assert from "node:assert/strict";
import { NO_NODE } from "../../../../journal/raft/mod.ts";
import { SUBMISSION_LIMITS, Submissions } from "../../../../journal/member/mod.ts";

const SELF = 1;
const OTHER = 2;
const first = new Uint8Array([1]);
const second = new Uint8Array([2]);
const { noLeaderMs, commitMs, retryMs } = SUBMISSION_LIMITS;

Deno.test("a write is proposed at once where a leader is known", () => {
  const submissions = ledBy(SELF);
  assert.deepEqual(submissions.submit("a", first, 0), [{ kind: "propose", payloads: [first] }]);
});

Deno.test("a write without a leader waits and is proposed when there is one", () => {
  const submissions = new Submissions(0);
  assert.deepEqual(submissions.submit("a", first, 0), []);
  assert.deepEqual(submissions.submit("b", second, 0), []);
  assert.deepEqual(submissions.leaderIs(OTHER, 1, false, 100), [
    { kind: "propose", payloads: [first, second] },
  ]);
});

Deno.test("JRN-58: without a leader a write fails after five seconds, not before", () => {
  const submissions = new Submissions(0);
  submissions.submit("a", first, 1_000);
  assert.deepEqual(submissions.tick(1_000 + noLeaderMs - 1), []);
  assert.deepEqual(submissions.tick(1_000 + noLeaderMs), [
    { kind: "fail", id: "a", reason: "no-leader" },
  ]);
  assert.equal(submissions.size, 0);
});

Deno.test("JRN-58: the five seconds begin when the leader is lost", () => {
  const submissions = ledBy(OTHER);
  submissions.submit("a", first, 0);
  submissions.leaderIs(NO_NODE, 2, false, 4_000);
  assert.deepEqual(submissions.tick(4_000 + noLeaderMs - 1), []);
  assert.equal(submissions.tick(4_000 + noLeaderMs)[0]?.kind, "fail");
});

Deno.test("JRN-57: a write goes to the next leader too, in case the last one lost it", () => {
  const submissions = ledBy(SELF);
  submissions.submit("a", first, 0);
  submissions.leaderIs(NO_NODE, 2, false, 10);
  assert.deepEqual(submissions.leaderIs(OTHER, 2, false, 20), [
    { kind: "propose", payloads: [first] },
  ]);
  assert.deepEqual(submissions.leaderIs(OTHER, 2, false, 30), [], "the same leader is no news");
  assert.equal(submissions.leaderIs(OTHER, 3, false, 40).length, 1, "another term is");
});

Deno.test("a write that a remote leader is silent about is proposed again, an own one is not", () => {
  for (const [leader, isSelf, again] of [[OTHER, false, 1], [SELF, true, 0]] as const) {
    const submissions = ledBy(leader);
    assert.equal(isSelf, leader === SELF);
    submissions.submit("a", first, 0);
    assert.deepEqual(submissions.tick(retryMs - 1), []);
    assert.equal(submissions.tick(retryMs).length, again);
    assert.equal(submissions.lost(retryMs + 1).length, again);
  }
});

Deno.test("JRN-60: what is not committed in time fails for want of a quorum", () => {
  const submissions = ledBy(SELF);
  submissions.submit("a", first, 0);
  assert.deepEqual(submissions.tick(commitMs), [{ kind: "fail", id: "a", reason: "no-quorum" }]);
});

Deno.test("a write that was applied or given up is forgotten with its bytes", () => {
  const submissions = new Submissions(0, { ...SUBMISSION_LIMITS, maxCount: 2, maxBytes: 2 });
  submissions.submit("a", first, 0);
  assert.ok(submissions.hasRoomFor(1));
  submissions.submit("b", second, 0);
  assert.ok(!submissions.hasRoomFor(1));
  submissions.forget("a");
  assert.ok(submissions.hasRoomFor(1));
  assert.ok(!submissions.hasRoomFor(2));
  submissions.forget("b");
  assert.ok(submissions.hasRoomFor(99), "one write goes through however big");
});

function ledBy(leader: number): Submissions {
  const submissions = new Submissions(0);
  submissions.leaderIs(leader, 1, leader === SELF, 0);
  return submissions;
}
