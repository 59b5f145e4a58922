import assert from "node:assert/strict";
import { simulate } from "../../journal/sim/mod.ts";

const RUNS = 1_000;

Deno.test(`J1 to J9, JRN-57 to JRN-61: ${RUNS} simulated quorums lose nothing`, () => {
  for (let seed = 1; seed <= RUNS; seed++) {
    const members = seed % 2 === 0 ? 5 : 3;
    const { failure } = simulate({ seed, members });
    const again = `deno task sim --seed ${seed} --members ${members} --trace FILE`;
    assert.equal(failure?.reason, undefined, `${failure?.tail.join("")}\n${again}`);
  }
});
