const RANGE = 2 ** 32;

/**
 * The one source of chance in a simulation: xoshiro128** (Blackman and Vigna, 2018), seeded by
 * splitmix32. The same seed gives the same numbers on every machine.
 */
export class Random {
  readonly #state: Uint32Array;

  /** @param seed a whole number; its lower 32 bits count */
  constructor(seed: number) {
    this.#state = seededState(seed);
  }

  /** From 0 up to but without 1. */
  next(): number {
    return this.#word() / RANGE;
  }

  /** A whole number from 0 up to but without `bound`. */
  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  /** From `low` to `high`. */
  between(low: number, high: number): number {
    return low + this.next() * (high - low);
  }

  /** True in so many of all cases. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of `choices`; there must be one. */
  pick<T>(choices: readonly T[]): T {
    const [choice] = choices.slice(this.below(choices.length));
    if (choice === undefined) throw new RangeError("nothing to choose from");
    return choice;
  }

  /** All of `items` in some order. */
  shuffled<T>(items: readonly T[]): T[] {
    return items.map((item) => ({ item, order: this.next() }))
      .sort((left, right) => left.order - right.order).map(({ item }) => item);
  }

  /** A source of its own: what is drawn from it does not shift what is drawn here. */
  fork(): Random {
    return new Random(this.#word());
  }

  #word(): number {
    const state = this.#state;
    const [s0 = 0, s1 = 0, s2 = 0, s3 = 0] = state;
    const mixed = Math.imul(rotated(Math.imul(s1, 5), 7), 9) >>> 0;
    const third = s2 ^ s0;
    const fourth = s3 ^ s1;
    state[0] = s0 ^ fourth;
    state[1] = s1 ^ third;
    state[2] = third ^ (s1 << 9);
    state[3] = rotated(fourth, 11);
    return mixed;
  }
}

function rotated(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

function seededState(seed: number): Uint32Array {
  let counter = seed >>> 0;
  return Uint32Array.from({ length: 4 }, () => {
    counter = (counter + 0x9e37_79b9) >>> 0;
    let mixed = counter;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0_aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a_2d97);
    return mixed ^ (mixed >>> 15);
  });
}
