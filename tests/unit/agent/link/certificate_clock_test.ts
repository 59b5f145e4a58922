import assert from "node:assert/strict";
import { certificateClock } from "../../../../agent/link/certificate_clock.ts";
import { systemClock } from "../../../../common/clock/mod.ts";
import { createLogger } from "../../../../common/log/mod.ts";
import { BUILD_DATE_MS } from "../../../../common/version/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";
import { openJournalSite } from "../../../support/journal/mod.ts";
import { Linked } from "../../../support/link/mod.ts";

function logTo(lines: string[]) {
  return createLogger({
    component: "test",
    level: "info",
    format: "text",
    nowMs: () => 0,
    write: (line) => lines.push(line),
  });
}

Deno.test("ROT-6: a clock before the build date counts as that date, and is warned of once", () => {
  const lines: string[] = [];
  let nowMs = 5_000;
  const clock = certificateClock({ ...systemClock, nowMs: () => nowMs }, logTo(lines), 1e12);
  assert.deepEqual([clock.nowMs(), clock.nowMs()], [1e12, 1e12]);
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? "", /WARN .*1970-01-01T00:00:05.*2001-09-09/);
  nowMs = 1e12 + 1;
  assert.equal(clock.nowMs(), nowMs, "chrony has set it");
  nowMs = 0;
  assert.equal(clock.nowMs(), 1e12);
  assert.equal(lines.filter((line) => line.includes("WARN")).length, 2);
});

Deno.test("ROT-6: timers are those of the clock that it stands before", async () => {
  const underneath = new VirtualClock();
  const clock = certificateClock(underneath, logTo([]), 0);
  let fired = 0;
  clock.setTimer(1_000, () => fired++);
  clock.clearTimer(clock.setTimer(1_000, () => fired += 10));
  const beginMs = clock.monotonicMs();
  await underneath.advanceAsync(1_000);
  assert.deepEqual([fired, clock.monotonicMs() - beginMs], [1, 1_000]);
});

Deno.test("ROT-6: the build date lies in no right clock's future", () => {
  assert.ok(BUILD_DATE_MS <= Date.now());
});

Deno.test("ROT-6, NEN-5: a node whose clock stands at 1970 takes its certificate and goes on", async () => {
  await using site = await openJournalSite();
  const macAddress = await site.register("n1", "ml");
  const lines: string[] = [];
  using linked = new Linked(site, macAddress, {
    clock: { ...systemClock, nowMs: () => 60_000 },
    // As if it had been built today.
    buildDateMs: Date.now() + 1_000,
    log: logTo(lines),
  });
  await linked.told("contact", ({ connected }) => connected);
  await linked.until("a declaration", () => true);
  assert.match(lines.join("\n"), /WARN .*system time is before this program was built/);
});
