import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { agentport } from "../../../../api/mod.ts";
import { createQuorumDesk } from "../../../../agent/quorum/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";

function rig() {
  const clock = new VirtualClock();
  const asked: bigint[] = [];
  const desk = createQuorumDesk({
    clock,
    send: (frame) => {
      if (frame.case === "askQuorum") asked.push(frame.value.askId ?? 0n);
    },
  });
  const answer = (askId: bigint | undefined, isLost: boolean) =>
    desk.onAnswer(create(agentport.QuorumAnswerSchema, { askId: askId ?? 0n, isLost }));
  return { clock, desk, asked, answer };
}

Deno.test("PRT-1: the quorum is lost when the worker has found so, and only then", async () => {
  const { desk, asked, answer, clock } = rig();
  for (const isLost of [true, false]) {
    const found = desk.isLost();
    answer(asked.at(-1), isLost);
    assert.equal(await found, isLost);
  }
  assert.equal(clock.pendingTimers, 0);
});

Deno.test("EMM-2: a worker that does not answer makes nobody think that the quorum is lost", async () => {
  const { desk, asked, answer, clock } = rig();
  const found = desk.isLost();
  clock.advance(15_000);
  assert.equal(await found, false);
  const next = desk.isLost();
  answer(asked[0], true);
  answer(asked[1], false);
  assert.equal(await next, false, "and what it says late answers no later question");
});

Deno.test("questions that come together are one, however many ask", async () => {
  const { desk, asked, answer } = rig();
  const found = [1, 2, 3].map(() => desk.isLost());
  assert.equal(asked.length, 1);
  answer(asked[0], true);
  assert.deepEqual(await Promise.all(found), [true, true, true]);
  void desk.isLost();
  assert.equal(asked.length, 2);
  answer(asked[1], false);
});
