import assert from "node:assert/strict";
import {
  BOOT_PHASES,
  type BootNews,
  type BootPhase,
  BootSequence,
  type PhaseWork,
  recordOf,
  statusTexts,
} from "../../../../agent/boot/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";

const RULES = {
  phases: BOOT_PHASES,
  maxRetries: 2,
  backoffInitialMs: 1_000,
  backoffMaxMs: 60_000,
  slowRetryMs: 0,
};

function boot(work: Partial<Record<BootPhase, PhaseWork>>) {
  const clock = new VirtualClock();
  const news: BootNews[] = [];
  const begun: BootPhase[] = [];
  const all = Object.fromEntries(BOOT_PHASES.map((phase) => [phase, (signal: AbortSignal) => {
    begun.push(phase);
    return work[phase]?.(signal) ?? Promise.resolve();
  }])) as Record<BootPhase, PhaseWork>;
  const sequence = new BootSequence({
    rules: RULES,
    work: all,
    clock,
    onNews: (item) => news.push(item),
  });
  return { clock, news, begun, sequence };
}

Deno.test("BTS-1: a boot without trouble runs the six phases once each and is ready", async () => {
  const { begun, news, sequence } = boot({});
  assert.deepEqual(statusTexts(sequence.state), ["boot: not started"]);
  sequence.start();
  await sequence.ready;
  assert.deepEqual(begun, BOOT_PHASES);
  assert.deepEqual(news.map(({ kind }) => kind), [
    ...BOOT_PHASES.map(() => "phaseCompleted"),
    "ready",
  ]);
  assert.deepEqual(statusTexts(sequence.state), []);
});

Deno.test("BTS-3, BTS-5: a failed phase is told with its retry, shown in status, and stops what follows", async () => {
  const { clock, begun, news, sequence } = boot({
    ConfigureNetwork: () => Promise.reject(new Error("eth0: no carrier within 10 s")),
  });
  sequence.start();
  await clock.advanceAsync(0);
  const failed = news.at(-1);
  assert.ok(failed !== undefined);
  assert.deepEqual(recordOf(failed), {
    action: "boot.phase_failed",
    detail: "boot phase ConfigureNetwork failed, retry 1/2: eth0: no carrier within 10 s",
    outcome: "Failure",
  });
  assert.deepEqual(statusTexts(sequence.state), [
    "BootFailed: phase ConfigureNetwork, attempt 1: eth0: no carrier within 10 s",
  ]);
  await clock.advanceAsync(10_000);
  assert.deepEqual(begun.filter((phase) => phase === "ConfigureNetwork").length, 3);
  assert.ok(!begun.includes("LoadIdentity"));
  assert.equal(clock.pendingTimers, 0);
});

Deno.test("a failed phase goes on at once when what it lacked is there", async () => {
  let isThere = false;
  const { clock, sequence } = boot({
    LoadIdentity: () => isThere ? Promise.resolve() : Promise.reject(new Error("no journal")),
  });
  sequence.start();
  await clock.advanceAsync(0);
  assert.equal(sequence.state.kind, "failed");
  isThere = true;
  sequence.retry();
  await sequence.ready;
  assert.equal(clock.pendingTimers, 0);
});

Deno.test("a boot that is closed does nothing any more, and tells its work", async () => {
  let isAborted = false;
  const { clock, begun, sequence } = boot({
    PullOverlay: (signal) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => {
          isAborted = true;
          reject(signal.reason);
        });
      }),
  });
  sequence.start();
  await clock.advanceAsync(0);
  sequence.close();
  await clock.advanceAsync(100_000);
  assert.ok(isAborted);
  assert.equal(begun.at(-1), "PullOverlay");
  assert.equal(clock.pendingTimers, 0);
});

Deno.test("BTS-5: readiness is told with the total and every phase's time", async () => {
  const { news, sequence } = boot({});
  sequence.start();
  await sequence.ready;
  const ready = news.at(-1);
  assert.ok(ready !== undefined);
  assert.match(recordOf(ready).detail, /^0 ms \(InitHardware 0, ConfigureNetwork 0, .*Ready 0\)$/);
});
