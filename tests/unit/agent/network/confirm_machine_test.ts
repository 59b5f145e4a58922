import assert from "node:assert/strict";
import fc from "fast-check";
import {
  CONFIRM_LIMIT_MS,
  type ConfirmEvent,
  type ConfirmState,
  stepConfirm,
} from "../../../../agent/network/confirm_machine.ts";

const CHANGE = { name: "eth0", former: "10.0.0.1/24", wanted: "10.0.9.1/24" };
const CONFIRMING: ConfirmState = { kind: "confirming", change: CHANGE, untilMs: 30_000 };

Deno.test("NET-8: a change is noted before a journal is reached for, and stands when one answers", () => {
  const changed = stepConfirm({ kind: "idle" }, { kind: "changed", change: CHANGE }, 0);
  assert.deepEqual(changed.effects.map(({ kind }) => kind), ["note", "reach", "wakeAt"]);
  const reached = stepConfirm(changed.state, { kind: "reached" }, 5_000);
  assert.deepEqual(reached.state, { kind: "idle" });
  assert.deepEqual(reached.effects.map(({ kind }) => kind), ["confirmed", "forget"]);
});

Deno.test("NET-8: after 30 s without a journal the former state comes back", () => {
  assert.equal(CONFIRM_LIMIT_MS, 30_000);
  assert.deepEqual(stepConfirm(CONFIRMING, { kind: "due" }, 29_999).effects, []);
  const due = stepConfirm(CONFIRMING, { kind: "due" }, 30_000);
  assert.deepEqual(due.state, { kind: "idle" });
  assert.deepEqual(due.effects, [
    { kind: "restore", change: CHANGE, reason: "no journal reached within 30 s" },
    { kind: "forget" },
    { kind: "reach" },
  ]);
});

Deno.test("NET-8, BTS-13: what an agent left unconfirmed is taken back by the next", () => {
  const found = stepConfirm({ kind: "idle" }, { kind: "found", change: CHANGE }, 0);
  assert.deepEqual(found.effects.map(({ kind }) => kind), ["restore", "forget"]);
});

Deno.test("NET-8: every change is either confirmed or restored, once", () => {
  const event = fc.constantFrom<ConfirmEvent>(
    { kind: "changed", change: CHANGE },
    { kind: "reached" },
    { kind: "due" },
  );
  fc.assert(fc.property(fc.array(fc.tuple(event, fc.nat(40_000)), { maxLength: 40 }), (events) => {
    let state: ConfirmState = { kind: "idle" };
    let nowMs = 0;
    let open = 0;
    for (const [event, passedMs] of events) {
      nowMs += passedMs;
      const step = stepConfirm(state, event, nowMs);
      state = step.state;
      for (const { kind } of step.effects) {
        if (kind === "note") open++;
        if (kind === "confirmed" || kind === "restore") open--;
      }
      assert.equal(open, state.kind === "confirming" ? 1 : 0);
    }
  }));
});
