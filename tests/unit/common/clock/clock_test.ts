import assert from "node:assert/strict";
import { systemClock } from "../../../../common/clock/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";

Deno.test("the system clock fires a timer after its delay, and never a cleared one", async () => {
  const fired: string[] = [];
  const startMs = systemClock.monotonicMs();
  const cleared = systemClock.setTimer(5, () => fired.push("cleared"));
  await new Promise<void>((resolve) => {
    systemClock.setTimer(20, () => {
      fired.push("kept");
      resolve();
    });
    systemClock.clearTimer(cleared);
  });
  assert.deepEqual(fired, ["kept"]);
  assert.ok(systemClock.monotonicMs() - startMs >= 19);
});

Deno.test("the system clock does not fire a timer of two months at once", async () => {
  let fired = false;
  const handle = systemClock.setTimer(60 * 86_400_000, () => fired = true);
  await new Promise<void>((resolve) => systemClock.setTimer(20, resolve));
  systemClock.clearTimer(handle);
  assert.equal(fired, false);
});

Deno.test("the virtual clock fires timers in the order they are due, those set on the way included", () => {
  const clock = new VirtualClock(1000);
  const fired: string[] = [];
  clock.setTimer(30, () => fired.push(`c at ${clock.monotonicMs()}`));
  clock.setTimer(10, () => {
    fired.push(`a at ${clock.monotonicMs()}`);
    clock.setTimer(5, () => fired.push(`b at ${clock.nowMs()}`));
  });
  clock.setTimer(31, () => fired.push("too late"));
  clock.advance(30);
  assert.deepEqual(fired, ["a at 10", "b at 1015", "c at 30"]);
  assert.equal(clock.nextTimerInMs, 1);
});

Deno.test("a jump of the wall clock leaves monotonic time and timers alone", () => {
  const clock = new VirtualClock(0);
  let fired = false;
  clock.setTimer(10, () => fired = true);
  clock.jumpWallClock(3_600_000);
  clock.advance(9);
  assert.equal(fired, false);
  assert.equal(clock.nowMs(), 3_600_009);
  assert.equal(clock.monotonicMs(), 9);
});
