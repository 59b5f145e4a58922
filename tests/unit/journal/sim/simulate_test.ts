import assert from "node:assert/strict";
import { simulate } from "../../../../journal/sim/mod.ts";
import { runs } from "../../../support/mod.ts";

function traced(seed: number): { readonly text: string; readonly checksum: number } {
  const lines: string[] = [];
  const { traceChecksum: checksum } = simulate({
    seed,
    members: 3,
    onTrace: (line) => void lines.push(line),
  });
  return { text: lines.join(""), checksum };
}

Deno.test("the same seed replays the same events to the byte, another one does not", () => {
  const first = traced(7);
  assert.ok(first.text.length > 10_000);
  assert.deepEqual(traced(7), first);
  assert.notEqual(traced(8).checksum, first.checksum);
});

Deno.test("a few simulated quorums of each size lose nothing and get something done", () => {
  for (const members of [1, 2, 3, 4, 5, 7]) {
    for (let seed = 1; seed <= runs(2, 8); seed++) {
      const { failure, answered, entries } = simulate({ seed, members });
      assert.equal(failure?.reason, undefined, `seed ${seed} with ${members} members`);
      assert.ok(answered > 0 && entries > members);
    }
  }
});

Deno.test("a mistake in what members read fails the run and shows what happened", () => {
  const failing = (seed: number) =>
    simulate({ seed, members: 3, seams: { asksBeforeReading: false } }).failure;
  let failure: ReturnType<typeof failing>;
  for (let seed = 0; seed < 20 && failure === undefined; seed++) failure = failing(seed);
  assert.match(failure?.reason ?? "", /^linearizability: /);
  assert.ok((failure?.tail.length ?? 0) > 10);
});
