import assert from "node:assert/strict";
import fc from "fast-check";
import {
  decideExtension,
  stepWindow,
  type WindowEffect,
  type WindowEvent,
  type WindowRules,
  windowSeconds,
  type WindowState,
} from "../../../../agent/window/mod.ts";

const RULES: WindowRules = {
  baseSeconds: 900,
  sensitivity: 2,
  floorSeconds: 60,
  mode: "enforce",
  emergencyWindowSeconds: 14_400,
};
const MINUTE = 60_000;

/** A window driven by hand: time moves only when told. */
class Scenario {
  state: WindowState = { kind: "Idle" };
  nowMs = 1_000_000;
  readonly effects: WindowEffect[] = [];

  constructor(readonly rules: WindowRules = RULES) {}

  send(event: WindowEvent, rules: WindowRules = this.rules): this {
    const step = stepWindow(this.state, event, this.nowMs, rules);
    this.state = step.state;
    this.effects.push(...step.effects);
    return this;
  }

  wait(ms: number): this {
    this.nowMs += ms;
    return this;
  }

  get remainingSeconds(): number | undefined {
    return this.state.kind === "Open"
      ? (this.state.window.deadlineMs - this.nowMs) / 1000
      : undefined;
  }
}

const left = (magnitude: number, onlyAcknowledged = false) => ({ magnitude, onlyAcknowledged });
const drift = (magnitude: number, firstEventMs: number, grew = true): WindowEvent => ({
  kind: "drift",
  drift: left(magnitude),
  firstEventMs,
  grew,
});
const opened = (rules: WindowRules = RULES) => {
  const scenario = new Scenario(rules);
  return scenario.send(drift(0.15, scenario.nowMs));
};

Deno.test("WIN-3: drift opens a window whose start is its first event", () => {
  const scenario = new Scenario().wait(5000);
  scenario.send(drift(0.15, scenario.nowMs - 5000));
  assert.equal(scenario.remainingSeconds, 687);
  assert.equal(scenario.effects[0]?.kind, "opened");
});

Deno.test("D5: in mode observe drift opens no window", () => {
  assert.equal(opened({ ...RULES, mode: "observe" }).state.kind, "Idle");
});

Deno.test("WIN-3: drift that somebody reverts by hand closes the window", () => {
  const scenario = opened().send({ kind: "clean" });
  assert.equal(scenario.state.kind, "Idle");
  assert.deepEqual(scenario.effects.at(-1), { kind: "closed", reason: "reverted manually" });
});

Deno.test("WIN-3: a commit and a rollback each close the window", () => {
  assert.equal(opened().send({ kind: "committed" }).state.kind, "Idle");
  assert.equal(opened().send({ kind: "rolledBack", drift: undefined }).state.kind, "Idle");
});

Deno.test("WIN-3: more drift shortens the window but leaves a minute to look at it", () => {
  const early = opened().wait(10_000);
  early.send(drift(0.8, 0));
  assert.equal(early.remainingSeconds, 336);
  const late = opened().wait(690_000);
  late.send(drift(0.8, 0));
  assert.equal(late.remainingSeconds, 60);
});

Deno.test("WIN-3: less drift leaves the deadline where it is", () => {
  const scenario = opened().wait(690_000);
  scenario.send(drift(0.05, 0, false));
  assert.equal(scenario.remainingSeconds, 2);
});

Deno.test("A4: at the deadline enforce rolls back, warn only alerts", () => {
  const tick: WindowEvent = { kind: "tick", drift: left(0.15) };
  const early = opened().wait(691_999).send(tick);
  assert.equal(early.state.kind, "Open");
  const enforced = opened().wait(692_000).send(tick);
  assert.equal(enforced.state.kind, "RollingBack");
  assert.deepEqual(enforced.effects.at(-1), { kind: "rollBack", force: false });
  const warned = opened({ ...RULES, mode: "warn" }).wait(692_000).send(tick);
  assert.equal(warned.state.kind, "Expired");
  assert.equal(warned.effects.at(-1)?.kind, "alert");
  assert.equal(warned.send({ kind: "committed" }).state.kind, "Idle");
});

Deno.test("WIN-3: an emergency suspends the window, its end opens a new one for what is left", () => {
  const scenario = opened().wait(MINUTE).send({ kind: "emergencyStarted" }).wait(4 * 3600_000);
  scenario.send({ kind: "tick", drift: left(0.15) });
  assert.equal(scenario.state.kind, "Suspended");
  scenario.send({ kind: "emergencyEnded", drift: left(0.15) });
  assert.equal(scenario.remainingSeconds, 692);
  const clean = opened().send({ kind: "emergencyStarted" });
  assert.equal(clean.send({ kind: "emergencyEnded", drift: undefined }).state.kind, "Idle");
});

Deno.test("WIN-3: a blocked rollback is tried again after 30 s, or at once when forced", () => {
  const blocked = () =>
    opened().wait(692_000).send({ kind: "tick", drift: left(0.15) })
      .send({ kind: "blocked", blockedBy: ["/data: pid 7 (cat) by alice"] });
  const waiting = blocked().wait(29_999).send({ kind: "tick", drift: left(0.15) });
  assert.equal(waiting.state.kind, "RollbackBlocked");
  waiting.wait(1).send({ kind: "tick", drift: left(0.15) });
  assert.equal(waiting.state.kind, "RollingBack");
  assert.equal(blocked().send({ kind: "forced" }).state.kind, "RollingBack");
  assert.equal(blocked().send({ kind: "emergencyStarted" }).state.kind, "Suspended");
  assert.equal(blocked().send({ kind: "committed" }).state.kind, "Idle");
});

Deno.test("RBK-6: what a rollback leaves behind gets a window of its own", () => {
  const scenario = opened().wait(692_000).send({ kind: "tick", drift: left(0.15) });
  scenario.send({ kind: "rolledBack", drift: left(0.05) });
  assert.equal(scenario.remainingSeconds, 818);
});

Deno.test("DRIFT-11: items that want an acknowledgement outlive the deadline, told every hour", () => {
  const tick: WindowEvent = { kind: "tick", drift: left(0.15, true) };
  const scenario = opened().wait(692_000).send(tick);
  assert.equal(scenario.state.kind, "Open");
  assert.deepEqual(scenario.effects.at(-1), { kind: "alert", text: "awaiting acknowledgement" });
  const alerts = () => scenario.effects.filter((effect) => effect.kind === "alert").length;
  scenario.wait(3_599_999).send(tick);
  assert.equal(alerts(), 1);
  scenario.wait(1).send(tick);
  assert.equal(alerts(), 2);
  assert.equal(scenario.send({ kind: "committed" }).state.kind, "Idle");
});

Deno.test("WIN-8: time spent waiting for an approval does not count, up to its timeout", () => {
  const pending: WindowEvent = { kind: "approvalPending", timeoutMs: 30 * MINUTE };
  const decided = opened().wait(MINUTE).send(pending).wait(10 * MINUTE);
  decided.send({ kind: "approvalDecided" });
  assert.equal(decided.remainingSeconds, 632);
  const forgotten = opened().wait(MINUTE).send(pending).wait(30 * MINUTE);
  forgotten.send({ kind: "tick", drift: left(0.15) });
  assert.equal(forgotten.remainingSeconds, 632);
});

Deno.test("WIN-2: another mode takes hold of an open window", () => {
  const observe = opened().send({ kind: "rulesChanged", drift: left(0.15) }, {
    ...RULES,
    mode: "observe",
  });
  assert.equal(observe.state.kind, "Idle");
  const enforce = new Scenario().send({ kind: "rulesChanged", drift: left(0.15) });
  assert.equal(enforce.remainingSeconds, 692);
});

Deno.test("WIN-5: extending adds minutes, and refuses in the published words", () => {
  const decide = (scenario: Scenario, minutes: number) =>
    decideExtension(scenario.state, minutes, scenario.nowMs, RULES);
  const text = (scenario: Scenario, minutes: number) => {
    const decision = decide(scenario, minutes);
    return decision.ok ? undefined : decision.reason;
  };
  assert.deepEqual(decide(opened(), 15), { ok: true, additionalMs: 15 * MINUTE });
  assert.equal(text(opened(), 0), "additional_minutes must be > 0");
  assert.equal(text(new Scenario(), 15), "no active commit window");
  assert.equal(text(opened().wait(692_000), 15), "commit window expired");
  assert.equal(
    text(opened().send({ kind: "extended", additionalMs: 230 * MINUTE }), 11),
    "extensions of one window may add up to 240 minutes; 10 are left",
  );
  const extended = opened().send({ kind: "extended", additionalMs: 15 * MINUTE });
  assert.equal(extended.remainingSeconds, 692 + 900);
});

const event: fc.Arbitrary<(nowMs: number) => WindowEvent> = fc.oneof(
  fc.tuple(fc.double({ min: 0.001, max: 20, noNaN: true }), fc.boolean()).map(
    ([m, grew]) => (nowMs: number): WindowEvent => drift(m, nowMs - 5000, grew),
  ),
  fc.constantFrom<WindowEvent>(
    { kind: "clean" },
    { kind: "committed" },
    { kind: "rolledBack", drift: undefined },
    { kind: "rolledBack", drift: left(0.2) },
    { kind: "blocked", blockedBy: ["x"] },
    { kind: "emergencyStarted" },
    { kind: "emergencyEnded", drift: left(0.3) },
    { kind: "emergencyEnded", drift: undefined },
    { kind: "approvalPending", timeoutMs: 1000 },
    { kind: "approvalDecided" },
    { kind: "forced" },
    { kind: "extended", additionalMs: 5 * MINUTE },
    { kind: "rulesChanged", drift: left(0.3) },
    { kind: "tick", drift: left(0.3) },
    { kind: "tick", drift: left(0.3, true) },
  ).map((fixed) => () => fixed),
);

Deno.test("ACC-O1: under any order of events there is one window, never longer than base and extensions", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(event, fc.integer({ min: 0, max: 400_000 })), { maxLength: 60 }),
      (events) => {
        const scenario = new Scenario();
        for (const [make, waitMs] of events) {
          const before = scenario.wait(waitMs).state;
          const told = scenario.effects.length;
          scenario.send(make(scenario.nowMs));
          const { state } = scenario;
          if (state.kind === "Open") {
            const { openedMs, deadlineMs, extendedMs } = state.window;
            assert.ok(deadlineMs <= openedMs + RULES.baseSeconds * 1000 + extendedMs);
            assert.ok(deadlineMs >= openedMs + RULES.floorSeconds * 1000);
          }
          for (const effect of scenario.effects.slice(told)) {
            if (effect.kind !== "rollBack" || effect.force) continue;
            assert.ok(before.kind === "Open" || before.kind === "RollbackBlocked");
            assert.ok(scenario.nowMs >= before.window.deadlineMs, "rolled back too early");
          }
        }
      },
    ),
  );
});

Deno.test("ACC-O1: the window of any drift is as long as the formula says", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 30, noNaN: true }), (magnitude) => {
      const scenario = new Scenario();
      scenario.send(drift(magnitude, scenario.nowMs));
      assert.equal(scenario.remainingSeconds, windowSeconds(magnitude, RULES));
    }),
  );
});
