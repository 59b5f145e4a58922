import assert from "node:assert/strict";
import { simulate } from "../../journal/sim/mod.ts";

/** Registers the simulation of `runs` quorums of so many members, their seeds from `firstSeed` on. */
export function simulatedQuorums(
  { runs, members, firstSeed }: {
    readonly runs: number;
    readonly members: number;
    readonly firstSeed: number;
  },
): void {
  Deno.test(`J1 to J9, JRN-57 to JRN-61: ${runs} simulated quorums of ${members} lose nothing`, () => {
    for (let seed = firstSeed; seed < firstSeed + runs; seed++) {
      const { failure } = simulate({ seed, members });
      const again = `deno task sim --seed ${seed} --members ${members} --trace FILE`;
      assert.equal(failure?.reason, undefined, `${failure?.tail.join("")}\n${again}`);
    }
  });
}
