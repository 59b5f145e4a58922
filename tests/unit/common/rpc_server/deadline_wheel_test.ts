import assert from "node:assert/strict";
import fc from "fast-check";
import { DeadlineWheel } from "../../../../common/rpc_server/deadline_wheel.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";

Deno.test("API-6: a deadline passes once, never early and at most 40 ms late", () => {
  const timeouts = fc.array(
    fc.record({
      startMs: fc.integer({ min: 0, max: 3_000 }),
      timeoutMs: fc.integer({ min: 0, max: 2_000 }),
    }),
    { minLength: 1, maxLength: 30 },
  );
  fc.assert(fc.property(timeouts, (calls) => {
    const clock = new VirtualClock();
    const wheel = new DeadlineWheel(clock);
    const originMs = clock.monotonicMs();
    const passed: { dueMs: number; atMs: number }[] = [];
    const nowMs = () => clock.monotonicMs() - originMs;
    for (const { startMs, timeoutMs } of calls.toSorted((a, b) => a.startMs - b.startMs)) {
      clock.advance(startMs - nowMs());
      const dueMs = nowMs() + timeoutMs;
      wheel.add(timeoutMs, () => passed.push({ dueMs, atMs: nowMs() }));
    }
    clock.advance(10_000);
    assert.equal(passed.length, calls.length);
    for (const { dueMs, atMs } of passed) assert.ok(atMs >= dueMs && atMs <= dueMs + 40);
  }));
});

Deno.test("a cancelled deadline does not pass, and a wheel without calls holds no timer", () => {
  const clock = new VirtualClock();
  const wheel = new DeadlineWheel(clock);
  const cancel = wheel.add(100, () => assert.fail("cancelled"));
  cancel();
  cancel();
  clock.advance(1_000);
  assert.equal(clock.pendingTimers, 0);
  let passed = 0;
  wheel.add(50, () => passed++);
  clock.advance(1_000);
  assert.equal(passed, 1);
  assert.equal(clock.pendingTimers, 0);
});
