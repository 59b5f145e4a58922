import assert from "node:assert/strict";
import { MUTATIONS, simulate } from "../../journal/sim/mod.ts";

const RUNS_MAX = 500;

for (const [name, { about, seams }] of MUTATIONS) {
  Deno.test(`the simulator notices ${name}: ${about}`, () => {
    for (let seed = 1; seed <= RUNS_MAX; seed++) {
      const members = seed % 2 === 0 ? 5 : 3;
      if (simulate({ seed, members, seams: seams() }).failure !== undefined) return;
    }
    assert.fail(`not noticed in ${RUNS_MAX} runs`);
  });
}
