/** Repeatable random numbers in [0, 1): a linear congruential generator of 2^48 states. */
export function seededRandom(seed: number): () => number {
  const modulus = 2n ** 48n;
  let state = (BigInt(seed) ^ 0x5deece66dn) % modulus;
  return () => {
    state = (state * 0x5deece66dn + 11n) % modulus;
    return Number(state >> 16n) / 2 ** 32;
  };
}
