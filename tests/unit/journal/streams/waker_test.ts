import assert from "node:assert/strict";
import { Waker, WAKES_PER_TURN } from "../../../../journal/streams/waker.ts";

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

Deno.test("SUB-9: a few subscribers are woken at once, thousands in slices between which others work", async () => {
  const waker = new Waker();
  const woken: number[] = [];
  const count = 3 * WAKES_PER_TURN + 10;
  const sleepers = Array.from({ length: count }, (_, at) => ({ wake: () => void woken.push(at) }));

  for (const sleeper of sleepers) waker.wake(sleeper);
  // Asked for twice before its turn comes: woken once.
  for (const sleeper of sleepers.slice(-5)) waker.wake(sleeper);
  assert.equal(woken.length, WAKES_PER_TURN);
  for (const expected of [2 * WAKES_PER_TURN, 3 * WAKES_PER_TURN, count]) {
    await turn();
    assert.equal(woken.length, expected);
  }
  assert.deepEqual(woken, sleepers.map((_, at) => at));

  await turn();
  for (const sleeper of sleepers.slice(0, 3)) waker.wake(sleeper);
  assert.equal(woken.length, count + 3);
  waker.close();
});

Deno.test("SUB-9: a closed waker wakes nobody and keeps nothing running", async () => {
  const waker = new Waker();
  let woken = 0;
  for (let at = 0; at <= WAKES_PER_TURN; at++) waker.wake({ wake: () => void woken++ });
  waker.close();
  await turn();
  assert.equal(woken, WAKES_PER_TURN);
});
