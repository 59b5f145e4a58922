import assert from "node:assert/strict";
import fc from "fast-check";
import { Deadlines } from "../../../../common/rpc_server/deadlines.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";

Deno.test("API-6: a deadline passes once, never early and at most 40 ms late", () => {
  const timeouts = fc.array(
    fc.record({
      startMs: fc.integer({ min: 0, max: 3_000 }),
      timeoutMs: fc.integer({ min: 0, max: 2_000 }),
      answeredAfterMs: fc.option(fc.integer({ min: 0, max: 2_000 }), { nil: Infinity }),
    }),
    { minLength: 1, maxLength: 30 },
  );
  fc.assert(fc.property(timeouts, (calls) => {
    const clock = new VirtualClock();
    const deadlines = new Deadlines(clock);
    const originMs = clock.monotonicMs();
    const nowMs = () => clock.monotonicMs() - originMs;
    const passed: { call: number; dueMs: number; atMs: number }[] = [];
    const open = new Set<number>();
    for (const [call, { startMs, timeoutMs, answeredAfterMs }] of calls.entries()) {
      clock.setTimer(startMs, () => {
        const dueMs = nowMs() + timeoutMs;
        const deadline = {
          endsAtMs: originMs + dueMs,
          expire: () => passed.push({ call, dueMs, atMs: nowMs() }),
        };
        const place = deadlines.add(deadline);
        if (answeredAfterMs < timeoutMs) {
          clock.setTimer(answeredAfterMs, () => deadlines.delete(deadline, place));
        } else open.add(call);
      });
    }
    clock.advance(10_000);
    assert.deepEqual(new Set(passed.map(({ call }) => call)), open);
    assert.equal(passed.length, open.size);
    for (const { dueMs, atMs } of passed) assert.ok(atMs >= dueMs && atMs <= dueMs + 40);
    assert.equal(clock.pendingTimers, 0);
  }));
});

Deno.test("a deadline taken back does not pass, and no timer stays when all are over", () => {
  const clock = new VirtualClock();
  const deadlines = new Deadlines(clock);
  const answered = { endsAtMs: clock.monotonicMs() + 100, expire: () => assert.fail("answered") };
  const place = deadlines.add(answered);
  deadlines.delete(answered, place);
  deadlines.delete(answered, place);
  clock.advance(1_000);
  assert.equal(clock.pendingTimers, 0);
  let passed = 0;
  deadlines.add({ endsAtMs: clock.monotonicMs() + 50, expire: () => passed++ });
  clock.advance(1_000);
  assert.equal(passed, 1);
  assert.equal(clock.pendingTimers, 0);
});

Deno.test("what is stopped holds no timer and lets nothing expire", () => {
  const clock = new VirtualClock();
  const deadlines = new Deadlines(clock);
  deadlines.add({ endsAtMs: clock.monotonicMs() + 50, expire: () => assert.fail("stopped") });
  deadlines.stop();
  assert.equal(clock.pendingTimers, 0);
  clock.advance(1_000);
});
