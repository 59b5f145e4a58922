/** Repeatable random numbers in [0, 1), quickly: a 32-bit generator for each input. */
export function quickRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The seed of one input: of the run, of what is fed, and of its number. */
export function seedOf(runSeed: number, name: string, index: number): number {
  let hash = 0x811c9dc5 ^ runSeed;
  for (let at = 0; at < name.length; at++) {
    hash = Math.imul(hash ^ name.charCodeAt(at), 0x01000193);
  }
  return Math.imul(hash ^ index, 0x9e3779b1) >>> 0;
}
