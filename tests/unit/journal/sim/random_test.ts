import assert from "node:assert/strict";
import { SeededRandom } from "../../../../journal/sim/mod.ts";

Deno.test("a seed gives the same numbers again, and another seed others", () => {
  const draw = (seed: number) => {
    const random = new SeededRandom(seed);
    return Array.from({ length: 8 }, () => random.below(1_000_000));
  };
  assert.deepEqual(draw(1), draw(1));
  assert.notDeepEqual(draw(1), draw(2));
});

Deno.test("numbers fall evenly within their bounds", () => {
  const random = new SeededRandom(3);
  const counts = Array.from({ length: 10 }, () => 0);
  for (let draw = 0; draw < 100_000; draw++) {
    const number = random.below(10);
    counts[number] = (counts[number] ?? 0) + 1;
  }
  for (const count of counts) assert.ok(Math.abs(count - 10_000) < 500, String(counts));
});

Deno.test("what one source is asked for does not shift what a fork of it gives", () => {
  const [one, other] = [new SeededRandom(4), new SeededRandom(4)];
  const [fork, sameFork] = [one.fork(), other.fork()];
  for (let draw = 0; draw < 10; draw++) one.next();
  assert.equal(fork.next(), sameFork.next());
});
