import assert from "node:assert/strict";
import { Code, ConnectError } from "@connectrpc/connect";
import { isQuorumLost } from "../../../../agent/link/quorum_question.ts";
import { PactError, toConnectError } from "../../../../common/errors/mod.ts";
import { silentLogger } from "../../../../common/log/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";

type Answer = "quorum" | "silence" | Error;

const refusal = (code: ConstructorParameters<typeof PactError>[0]) =>
  toConnectError(new PactError(code, "refused"), "test");

/** Journals that answer by turns what they are told to, the last of it for ever. */
function search(journals: Readonly<Record<string, readonly Answer[]>>, firstTakesMs = 0) {
  const clock = new VirtualClock();
  const closing = new AbortController();
  const turns = new Map<string, number>();
  const found = isQuorumLost({
    endpoints: Object.keys(journals),
    clock,
    log: silentLogger,
    closing: closing.signal,
    ask: (endpoint, { timeoutMs, signal }) => {
      assert.ok(Number.isInteger(timeoutMs), `${timeoutMs} ms cannot be said on the wire`);
      const answers = journals[endpoint] ?? [];
      const turn = turns.get(endpoint) ?? 0;
      turns.set(endpoint, turn + 1);
      if (turn === 0) clock.advance(firstTakesMs);
      const answer = answers[Math.min(turn, answers.length - 1)];
      if (answer === "quorum") return Promise.resolve();
      if (answer instanceof Error) return Promise.reject(answer);
      const { promise, reject } = Promise.withResolvers<void>();
      const end = (code: Code) => reject(new ConnectError("over", code));
      clock.setTimer(timeoutMs, () => end(Code.DeadlineExceeded));
      signal.addEventListener("abort", () => end(Code.Canceled));
      return promise;
    },
  });
  let isOver = false;
  found.then(() => isOver = true, () => isOver = true);
  return { clock, closing, found, turns, isOver: () => isOver };
}

Deno.test("PRT-1: the quorum is lost when none of the journals can answer for it in 10 s", async () => {
  const { clock, found, turns, isOver } = search({
    lone: [refusal("NO_QUORUM"), refusal("NO_LEADER")],
    gone: [new ConnectError("refused", Code.Unavailable)],
    hung: ["silence"],
  });
  await clock.advanceAsync(9_000);
  assert.equal(isOver(), false, "nothing is said before the time is up");
  await clock.advanceAsync(1_000);
  assert.equal(await found, true);
  assert.ok((turns.get("lone") ?? 0) > 10, "and they are asked again and again");
  assert.equal(turns.get("hung"), 1);
});

Deno.test("EMM-2: one journal with a quorum is enough, wherever contact is", async () => {
  const { clock, found } = search({
    lone: [refusal("NO_QUORUM")],
    hung: ["silence"],
    other: ["quorum"],
  });
  await clock.advanceAsync(0);
  assert.equal(await found, false);
});

Deno.test("a clock that knows fractions asks for whole milliseconds", async () => {
  const { clock, found } = search({ lone: [refusal("NO_QUORUM")] }, 0.25);
  await clock.advanceAsync(10_001);
  assert.equal(await found, true);
});

Deno.test("PRT-10: a change of leader is no loss", async () => {
  const { clock, found } = search({
    only: [refusal("NO_LEADER"), refusal("NO_LEADER"), refusal("NO_LEADER"), "quorum"],
  });
  await clock.advanceAsync(9_000);
  assert.equal(await found, false);
});

Deno.test("EMM-2: whoever answers anything else may have a quorum, so that it is not lost", async () => {
  for (
    const answer of [
      refusal("RESOURCE_EXHAUSTED"),
      refusal("RATE_LIMITED"),
      refusal("UNAUTHENTICATED"),
      refusal("NODE_REVOKED"),
      refusal("INTERNAL"),
      new ConnectError("no more streams", Code.ResourceExhausted),
      new TypeError("a fault of the agent's own"),
    ]
  ) {
    const { clock, found } = search({ lone: [refusal("NO_QUORUM")], other: [answer] });
    await clock.advanceAsync(10_000);
    assert.equal(await found, false, String(answer));
  }
});

Deno.test("EMM-2: an agent that stops, and one that knows of no journal, find no loss", async () => {
  const stopped = search({ hung: ["silence"] });
  stopped.closing.abort();
  await stopped.clock.advanceAsync(10_000);
  assert.equal(await stopped.found, false);
  assert.equal(await search({}).found, false);
});
