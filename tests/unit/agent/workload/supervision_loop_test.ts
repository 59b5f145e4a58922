import assert from "node:assert/strict";
import { createLogger, type Logger } from "../../../../common/log/mod.ts";
import {
  SupervisionLoop,
  type SupervisionLoopOptions,
  type WorkloadState,
} from "../../../../agent/workload/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";

const INTERVALS = { baselineMs: 1000, idleMs: 500, activeMs: 2000, activeMaxMs: 5000 };

interface LoopRig {
  readonly clock: VirtualClock;
  readonly loop: SupervisionLoop;
  /** What happened, each with the milliseconds since the start. */
  readonly seen: string[];
  readonly lines: string[];
  workload: WorkloadState;
}

function startLoop(changes: Partial<SupervisionLoopOptions> = {}): LoopRig {
  const clock = new VirtualClock();
  const seen: string[] = [];
  const lines: string[] = [];
  const note = (what: string) => seen.push(`${clock.monotonicMs()} ${what}`);
  const log: Logger = createLogger({
    component: "loop",
    level: "info",
    format: "text",
    nowMs: () => 0,
    write: (line) => lines.push(line.slice(25)),
  });
  const rig = { clock, seen, lines, workload: "idle" as WorkloadState };
  const loop = new SupervisionLoop({
    clock,
    log,
    intervals: INTERVALS,
    beat: () => void note("beat"),
    workload: () => rig.workload,
    onWorkload: (state) => void note(state),
    supervise: () => (note("supervise"), false),
    ...changes,
  });
  loop.start();
  return Object.assign(rig, { loop });
}

Deno.test("SUP-30, WDG-3, WDG-5: a tick beats first and then works, twice a second when idle", () => {
  const { clock, seen, lines } = startLoop();
  clock.advance(500);
  assert.deepEqual(seen, [
    "0 beat",
    "0 supervise",
    "0 idle",
    "500 beat",
    "500 supervise",
  ]);
  assert.deepEqual(lines, ["INFO  loop: supervision loop started"]);
});

Deno.test("WDG-6: a tick that did not come to its end is not followed by a beat", () => {
  let fails = true;
  const { clock, seen, lines } = startLoop({
    supervise: () => {
      if (fails) throw new Error("broken");
      return false;
    },
  });
  const beats = () => seen.filter((text) => text.endsWith("beat"));
  clock.advance(3_000);
  assert.deepEqual(beats(), ["0 beat"]);
  assert.match(lines[1] ?? "", /supervision tick failed.*broken/);
  fails = false;
  clock.advance(2_000);
  assert.deepEqual(beats(), ["0 beat", "4500 beat", "5000 beat"]);
});

Deno.test("SUP-32: a change of the workload takes effect at the next tick, and is told once", () => {
  const rig = startLoop();
  rig.clock.advance(500);
  rig.workload = "active";
  rig.clock.advance(400);
  assert.equal(rig.seen.includes("1000 active"), false);
  rig.clock.advance(10_000);
  assert.deepEqual(rig.seen.filter((text) => / (active|idle)$/.test(text)), [
    "0 idle",
    "1000 active",
  ]);
  assert.equal(rig.loop.pace.workload, "active");
});

Deno.test("SUP-31: an event shortens the wait of an active node to two seconds", () => {
  const rig = startLoop();
  rig.workload = "active";
  rig.clock.advance(30_000);
  assert.equal(rig.loop.pace.intervalMs, 5000);
  const before = rig.seen.filter((text) => text.endsWith("supervise")).length;
  const sinceMs = rig.clock.monotonicMs();
  rig.loop.noteEvent();
  rig.clock.advance(2_000);
  const ticks = rig.seen.filter((text) => text.endsWith("supervise")).slice(before);
  assert.ok(ticks.length >= 1 && Number(ticks[0]?.split(" ")[0]) <= sinceMs + 2_000, `${ticks}`);
  assert.equal(rig.loop.pace.intervalMs, 2000);
});

Deno.test("SUP-31: deep inspections run on idle nodes alone, one a tick, each at its own pace", async () => {
  const runs: string[] = [];
  const inspection = (name: string, everyMs: number) => ({
    name,
    everyMs,
    run: () => void runs.push(name),
  });
  const rig = startLoop({
    inspections: [inspection("strays", 1000), inspection("mounts", 60_000)],
  });
  const tick = async () => {
    rig.clock.advance(500);
    await Promise.resolve();
    await Promise.resolve();
  };
  rig.clock.advance(0);
  await Promise.resolve();
  await Promise.resolve();
  for (let count = 0; count < 5; count++) await tick();
  assert.deepEqual(runs, ["strays", "mounts", "strays", "strays"]);
  rig.workload = "active";
  for (let count = 0; count < 40; count++) await tick();
  assert.equal(runs.length, 4);
});

Deno.test("AGT-4: an inspection that fails is told of and has its turn again; one that hangs runs alone", async () => {
  let calls = 0;
  const rig = startLoop({
    inspections: [{
      name: "strays",
      everyMs: 500,
      run: () => {
        calls++;
        return calls === 1 ? Promise.reject(new Error("no")) : new Promise(() => {});
      },
    }],
  });
  for (let count = 0; count < 5; count++) {
    rig.clock.advance(500);
    for (let turn = 0; turn < 4; turn++) await Promise.resolve();
  }
  assert.equal(calls, 2);
  assert.match(rig.lines.join("\n"), /inspection strays failed reason="?Error: no/);
});

Deno.test("SUP-34: a tick later than twice its interval is warned of, with what took long", () => {
  let nowMs = 0;
  const lines: string[] = [];
  const fires: (() => void)[] = [];
  const loop = new SupervisionLoop({
    clock: {
      nowMs: () => nowMs,
      monotonicMs: () => nowMs,
      setTimer: (_delayMs, fire) => ({ id: fires.push(fire) }),
      clearTimer: () => {},
    },
    log: createLogger({
      component: "loop",
      level: "warn",
      format: "text",
      nowMs: () => 0,
      write: (line) => lines.push(line.slice(25)),
    }),
    intervals: INTERVALS,
    workload: () => "idle",
    onWorkload: () => {},
    supervise: () => {
      nowMs += 300;
      return false;
    },
  });
  loop.start();
  fires.at(-1)?.();
  nowMs += 500;
  fires.at(-1)?.();
  assert.deepEqual(lines, []);
  nowMs += 1_500;
  fires.at(-1)?.();
  assert.deepEqual(lines, [
    'WARN  loop: supervision tick late after_ms=1800 planned_ms=800 slowest_step="supervise 300 ms"',
  ]);
  for (let late = 0; late < 70; late++) {
    nowMs += 1_700;
    fires.at(-1)?.();
  }
  assert.deepEqual(lines.slice(1).map((line) => /times=\d+/.exec(line)?.[0]), [
    "times=30",
    "times=30",
  ]);
});
