import assert from "node:assert/strict";
import { FailureBrake } from "../../../../common/refusals/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";

Deno.test("AUT-12: after sixty failures in a minute a source waits a second for each answer, others do not", async () => {
  const clock = new VirtualClock();
  const brake = new FailureBrake(clock);
  for (let failure = 0; failure < 60; failure++) await brake.failed("10.0.0.1");
  assert.equal(clock.pendingTimers, 0);
  const slowed = brake.failed("10.0.0.1");
  assert.equal(clock.nextTimerInMs, 1_000);
  await brake.failed("10.0.0.2");
  clock.advance(1_000);
  await slowed;
  clock.advance(60_000);
  await brake.failed("10.0.0.1");
  assert.equal(clock.pendingTimers, 0, "a minute later it starts anew");
});
