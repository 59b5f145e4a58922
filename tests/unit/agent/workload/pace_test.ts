import assert from "node:assert/strict";
import { boundIntervals, type Pace } from "../../../../agent/workload/mod.ts";
import { firstPace, nextPace, type TickFinding } from "../../../../agent/workload/pace.ts";

const INTERVALS = { baselineMs: 1000, idleMs: 500, activeMs: 2000, activeMaxMs: 5000 };
const quiet = (workload: TickFinding["workload"]): TickFinding => ({
  workload,
  isEventful: false,
});

function paces(...findings: TickFinding[]): number[] {
  let pace: Pace = firstPace(INTERVALS);
  return findings.map((finding) => (pace = nextPace(pace, finding, INTERVALS)).intervalMs);
}

Deno.test("SUP-31: a second between ticks until the workload state is known, half of it when idle", () => {
  assert.equal(firstPace(INTERVALS).intervalMs, 1000);
  assert.deepEqual(paces(quiet("unknown"), quiet("idle"), quiet("idle")), [1000, 500, 500]);
});

Deno.test("SUP-31: on an active node ticks grow apart by a quarter up to 5 s, and an event brings them back", () => {
  const active = quiet("active");
  assert.deepEqual(
    paces(active, active, active, active, active, active, active).map(Math.round),
    [2000, 2500, 3125, 3906, 4883, 5000, 5000],
  );
  assert.deepEqual(paces(active, active, { workload: "active", isEventful: true }, active), [
    2000,
    2500,
    2000,
    2500,
  ]);
});

Deno.test("SUP-32: a workload that comes back starts at the shortest active interval", () => {
  const active = quiet("active");
  assert.deepEqual(paces(active, active, quiet("idle"), active), [2000, 2500, 500, 2000]);
});

Deno.test("WDG-4: no interval is longer than half the watchdog's time, and what was is warned of", () => {
  const bounded = boundIntervals(INTERVALS, 4000);
  assert.deepEqual(bounded.intervals, { ...INTERVALS, activeMaxMs: 4000 });
  assert.deepEqual(bounded.warnings, [
    "active_poll_max_ms of 5000 ms is more than half the watchdog's time: 4000 ms",
  ]);
  assert.deepEqual(boundIntervals(INTERVALS, 15_000).warnings, []);
});
