import assert from "node:assert/strict";
import fc from "fast-check";
import { BOOT_PHASES, type BootPhase, type BootRules } from "../../../../agent/boot/mod.ts";
import { type BootEvent, type BootState, stepBoot } from "../../../../agent/boot/boot_machine.ts";

const RULES: BootRules = {
  phases: BOOT_PHASES,
  maxRetries: 30,
  backoffInitialMs: 1_000,
  backoffMaxMs: 60_000,
  slowRetryMs: 300_000,
};

/** Fails a phase until its retries are used up; the waits in seconds. */
function waitsOf(rules: BootRules, phase: BootPhase, failures: number): (number | undefined)[] {
  let nowMs = 0;
  let state: BootState = { kind: "notStarted" };
  const waits: (number | undefined)[] = [];
  const take = (event: BootEvent) => {
    const step = stepBoot(rules, state, event, nowMs);
    state = step.state;
    return step.effects;
  };
  take({ kind: "start" });
  for (const done of rules.phases.slice(0, rules.phases.indexOf(phase))) {
    take({ kind: "completed", phase: done, attempt: 1 });
  }
  for (let attempt = 1; attempt <= failures; attempt++) {
    const [failed] = take({ kind: "failed", phase, attempt, reason: "no" });
    assert.ok(failed?.kind === "phaseFailed");
    waits.push(failed.retryInMs === undefined ? undefined : failed.retryInMs / 1000);
    if (failed.retryInMs === undefined) break;
    assert.deepEqual(take({ kind: "due" }), [], "too early");
    nowMs += failed.retryInMs;
    assert.deepEqual(take({ kind: "due" }), [{ kind: "run", phase, attempt: attempt + 1 }]);
  }
  return waits;
}

for (const phase of BOOT_PHASES) {
  Deno.test(`BTS-3: ${phase} is tried again after 1, 2, 4 s and so on up to 60 s, 30 times, then slowly`, () => {
    const waits = waitsOf(RULES, phase, 32);
    assert.deepEqual(waits.slice(0, 8), [1, 2, 4, 8, 16, 32, 60, 60]);
    assert.deepEqual(waits.slice(29), [60, 300, 300]);
  });
}

Deno.test("BTS-3: with slow_retry 0 the node stays in BootFailed until somebody asks", () => {
  const rules = { ...RULES, maxRetries: 2, slowRetryMs: 0 };
  assert.deepEqual(waitsOf(rules, "ConfigureNetwork", 9), [1, 2, undefined]);
  const failed: BootState = {
    kind: "failed",
    phase: "ConfigureNetwork",
    attempt: 3,
    reason: "no",
    phaseBeganAtMs: 0,
    beganAtMs: 0,
    completed: [],
  };
  assert.deepEqual(stepBoot(rules, failed, { kind: "due" }, 1e9).effects, []);
  assert.deepEqual(stepBoot(rules, failed, { kind: "retry" }, 1e9).effects, [
    { kind: "run", phase: "ConfigureNetwork", attempt: 4 },
  ]);
});

Deno.test("BTS-5: a phase's duration counts from its first attempt, the total from the start", () => {
  const rules = { ...RULES, phases: ["PullOverlay", "Ready"] as const };
  let state: BootState = { kind: "notStarted" };
  const take = (event: BootEvent, nowMs: number) => {
    const step = stepBoot(rules, state, event, nowMs);
    state = step.state;
    return step.effects;
  };
  take({ kind: "start" }, 100);
  take({ kind: "failed", phase: "PullOverlay", attempt: 1, reason: "no" }, 150);
  take({ kind: "due" }, 1_150);
  const [completed] = take({ kind: "completed", phase: "PullOverlay", attempt: 2 }, 1_200);
  assert.deepEqual(completed, {
    kind: "phaseCompleted",
    phase: "PullOverlay",
    durationMs: 1_100,
    attempts: 2,
  });
  const effects = take({ kind: "completed", phase: "Ready", attempt: 1 }, 1_250);
  const ready = effects.at(-1);
  assert.ok(ready?.kind === "ready");
  assert.equal(ready.totalMs, 1_150);
  assert.deepEqual(ready.completed.map(({ phase }) => phase), ["PullOverlay", "Ready"]);
});

const eventOf = fc.oneof(
  fc.record({
    kind: fc.constantFrom("completed" as const, "failed" as const),
    phase: fc.constantFrom(...BOOT_PHASES),
    attempt: fc.integer({ min: 1, max: 4 }),
    isCurrent: fc.boolean(),
  }),
  fc.record({ kind: fc.constantFrom("start" as const, "due" as const, "retry" as const) }),
);

Deno.test("BTS-1, BTS-2: whatever arrives, phases begin in order, one at a time, and only a failed one again", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(eventOf, fc.nat(70_000)), { maxLength: 80 }), (events) => {
      let state: BootState = { kind: "notStarted" };
      let nowMs = 0;
      const done: BootPhase[] = [];
      let running: { phase: BootPhase; attempt: number } | undefined;
      for (const [event, passedMs] of events) {
        nowMs += passedMs;
        const aimed = "phase" in event
          ? {
            kind: event.kind,
            reason: "no",
            // Half of the events are meant for what runs, the other half for anything.
            ...(event.isCurrent && running !== undefined
              ? running
              : { phase: event.phase, attempt: event.attempt }),
          } as BootEvent
          : event;
        const wasRunning = running;
        const step = stepBoot(RULES, state, aimed, nowMs);
        for (const effect of step.effects) {
          if (effect.kind === "phaseCompleted") {
            assert.equal(effect.phase, wasRunning?.phase);
            done.push(effect.phase);
            running = undefined;
          }
          if (effect.kind === "phaseFailed") running = undefined;
          if (effect.kind === "run") {
            assert.equal(running, undefined, "two attempts at once");
            assert.equal(effect.phase, BOOT_PHASES[done.length], "out of order");
            running = { phase: effect.phase, attempt: effect.attempt };
          }
          if (effect.kind === "ready") assert.deepEqual(done, BOOT_PHASES);
        }
        assert.equal(step.state.kind === "running", running !== undefined);
        state = step.state;
      }
    }),
    { numRuns: 500 },
  );
});
