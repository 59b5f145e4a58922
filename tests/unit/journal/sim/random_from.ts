import type { Random } from "../../../../journal/sim/mod.ts";

/** Numbers from 0 up to but without 1 out of a seed (an xorshift of 32 bits). */
export function randomFrom(seed: number): Random {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
