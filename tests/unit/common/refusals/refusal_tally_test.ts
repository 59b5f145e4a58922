import assert from "node:assert/strict";
import { RefusalTally } from "../../../../common/refusals/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";

function tallyFor(clock: VirtualClock, maxKeys = 10) {
  const told: string[] = [];
  const tally = new RefusalTally({
    clock,
    maxKeys,
    tell: ({ source, code }, count) => void told.push(`${source} ${code} x${count}`),
  });
  return { told, add: (source: string, code = "UNAUTHENTICATED") => tally.add({ source, code }) };
}

Deno.test("ENR-25: the first refusal is told at once, those after it together in ten seconds", () => {
  const clock = new VirtualClock(0);
  const { told, add } = tallyFor(clock);
  for (let attempt = 0; attempt < 5; attempt++) add("a");
  add("b");
  add("a", "NODE_REVOKED");
  assert.deepEqual(told, ["a UNAUTHENTICATED x1", "b UNAUTHENTICATED x1", "a NODE_REVOKED x1"]);
  clock.advance(10_000);
  assert.deepEqual(told.slice(3), ["a UNAUTHENTICATED x4"]);
  add("a");
  assert.equal(told.at(-1), "a UNAUTHENTICATED x1");
});

Deno.test("ENR-25: however many sources there are, few are told apart", () => {
  const clock = new VirtualClock(0);
  const { told, add } = tallyFor(clock, 2);
  for (let source = 0; source < 1_000; source++) add(`10.0.0.${source}`);
  assert.equal(told.length, 3);
  clock.advance(10_000);
  assert.equal(told.at(-1), "10.0.0.2 UNAUTHENTICATED x997");
});
