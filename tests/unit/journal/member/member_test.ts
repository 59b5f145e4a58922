import assert from "node:assert/strict";
import { Member } from "../../../../journal/member/mod.ts";
import { message } from "../../../../journal/raft/mod.ts";

/** Nothing is read back in these tests. */
const ANYWHERE = 0;

function follower(): Member<number> {
  const voters = [1, 2, 3];
  const membership = {
    voters,
    votersOutgoing: [],
    learners: [],
    learnersNext: [],
    autoLeave: false,
  };
  return new Member<number>({
    id: 1,
    log: {
      recovered: {
        hardState: { term: 1, vote: 0, commit: 1 },
        start: { index: 1, term: 1 },
        entries: [],
      },
      membership,
      read: () => assert.fail("nothing is in the log"),
      snapshot: () => undefined,
    },
    appliedIndex: 1,
    random: () => 0,
    electionTicks: 3,
    heartbeatTicks: 1,
  });
}

Deno.test("JRN-64: a candidate asks for votes once its term and its own vote are durable", () => {
  const member = follower();
  for (let tick = 0; tick < 3; tick++) member.tick();
  const asked = member.take()?.send.map(({ type }) => type);
  assert.deepEqual(asked, ["PreVote", "PreVote"]);
  member.written({ ...noWork(), responses: [preVoteForSelf()] }, []);
  member.receive(message({ type: "PreVoteResp", from: 2, to: 1, term: 2 }));
  const work = member.take();
  assert.deepEqual(work?.send, []);
  assert.deepEqual(work?.write?.hardState, { term: 2, vote: 1, commit: 1 });
  assert.equal(work?.write?.needsDisk, true);
  const sent = work?.write === undefined ? [] : member.written(work.write, []);
  assert.deepEqual(sent.map(({ type, to, term }) => [type, to, term]), [
    ["Vote", 2, 2],
    ["Vote", 3, 2],
  ]);
});

function noWork() {
  const hardState = { term: 1, vote: 0, commit: 1 };
  return { hardState, entries: [], snapshot: undefined, needsDisk: false };
}

function preVoteForSelf() {
  return message({ type: "PreVoteResp", from: 1, to: 1, term: 2 });
}

Deno.test("that a change of the membership is committed is durable, that other entries are is not written for itself", () => {
  for (const [isChange, needsDisk] of [[true, true], [false, false]] as const) {
    const member = follower();
    const change = {
      transition: "auto",
      changes: [{ kind: "add-learner", id: 4 }],
      context: new Uint8Array(0),
    } as const;
    const place = { term: 1, index: 2 };
    const entry = isChange
      ? { ...place, kind: "membership", form: "list", change } as const
      : { ...place, kind: "normal", data: new Uint8Array([1]) } as const;
    const append = { type: "App", from: 2, to: 1, term: 1, logTerm: 1, index: 1 } as const;
    member.receive(message({ ...append, commit: 1, entries: [entry] }));
    const work = member.take()?.write;
    assert.ok(work !== undefined);
    member.written(work, [ANYWHERE]);
    member.receive(message({ type: "Heartbeat", from: 2, to: 1, term: 1, commit: 2 }));
    const next = member.take();
    assert.deepEqual(next?.apply?.entries.map(({ index }) => index), [2]);
    assert.equal(next?.write?.needsDisk, needsDisk);
    assert.equal(next?.write?.hardState.commit, 2);
  }
});
