import assert from "node:assert/strict";
import { LifeSign } from "../../../../agent/observer/life_sign.ts";
import { openObserver } from "../../../../agent/observer/mod.ts";
import { createLogger, silentLogger } from "../../../../common/log/mod.ts";
import { ShimError } from "../../../../ffi/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";
import { tempDir, waitFor, withShim } from "../../../support/mod.ts";

Deno.test("OBS-13: a source that does not tell of a touch is warned of once, until it does", () => {
  const clock = new VirtualClock();
  const lines: string[] = [];
  let touched = 0;
  const log = createLogger({
    component: "agent",
    level: "info",
    format: "text",
    nowMs: clock.nowMs.bind(clock),
    write: (line) => lines.push(line),
  });
  const sign = new LifeSign({ clock, log, source: "inotify", touch: () => touched++ });
  clock.advance(60_000);
  sign.seen();
  clock.advance(5_000);
  assert.deepEqual([touched, sign.isMissing, lines.length], [1, false, 0]);
  clock.advance(120_000);
  assert.deepEqual([touched, sign.isMissing], [3, true]);
  assert.deepEqual(lines.map((line) => line.includes("no sign of life")), [true]);
  sign.seen();
  assert.equal(sign.isMissing, false);
  assert.match(lines.at(-1) ?? "", /alive again/);
  sign.close();
  assert.equal(clock.pendingTimers, 0);
});

Deno.test("OBS-13: a touch that cannot be is no fault of the source", () => {
  const clock = new VirtualClock();
  const sign = new LifeSign({
    clock,
    log: silentLogger,
    source: "inotify",
    touch: () => {
      throw ShimError.of("ENOSPC", "write");
    },
  });
  clock.advance(70_000);
  assert.equal(sign.isMissing, false);
  sign.close();
});

Deno.test("OBS-13: the canary's change comes back from the kernel, and nobody is told of it", async () => {
  await using directory = await tempDir();
  await withShim(async (shim) => {
    const pump = shim.startEvents();
    const clock = new VirtualClock();
    const told: string[] = [];
    const observer = openObserver({
      shim,
      events: pump,
      clock,
      log: silentLogger,
      root: directory.path,
      watchPaths: [],
      watchesFiles: true,
      watchesNetlink: false,
      canary: "/canary",
      isNoise: () => false,
      onEvents: (events) => told.push(...events.map(({ path }) => path)),
      onRescan: () => {},
    });
    observer.observe(["/last"]);
    clock.advance(60_000);
    // Told after the canary, in the order of the kernel.
    Deno.writeTextFileSync(`${directory.path}/last`, "");
    await waitFor(() => {
      clock.advance(300);
      return told.includes("/last");
    }, { timeoutMs: 5_000, what: "the last file" });
    clock.advance(10_000);
    assert.equal(observer.isSilent, false);
    assert.deepEqual(told.filter((path) => path !== "/last" && path !== "/"), []);
    await observer.close();
    await pump.close();
  });
});
