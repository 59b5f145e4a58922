import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type AllocationEvent,
  type AllocationState,
  beginAllocation,
  stepAllocation,
} from "../../../../agent/namespaces/mod.ts";

const UNUSED = beginAllocation(false).state;
const IN_USE = beginAllocation(true).state;

const run = (state: AllocationState, ...events: AllocationEvent[]) =>
  events.reduce((now, event) => stepAllocation(now, event).state, state);
const effectsOf = (state: AllocationState, event: AllocationEvent) =>
  stepAllocation(state, event).effects.map((effect) => effect.type);

Deno.test("NS-22: each way to the end of an allocation, and what it waits for", () => {
  const rows: [AllocationState, AllocationEvent["type"], AllocationState["name"]][] = [
    [UNUSED, "endAsked", "Cleaning"],
    [UNUSED, "unusedExpired", "Cleaning"],
    [UNUSED, "scopeEmptied", "Live"],
    [UNUSED, "holderDied", "Cleaning"],
    [IN_USE, "endAsked", "Live"],
    [IN_USE, "unusedExpired", "Live"],
    [IN_USE, "holderDied", "Live"],
    [IN_USE, "scopeEmptied", "Cleaning"],
  ];
  for (const [state, type, next] of rows) {
    const event = { type } as AllocationEvent;
    assert.equal(run(state, event).name, next, `${JSON.stringify(state)} ${type}`);
  }
});

Deno.test("NS-22: a cleanup that failed is tried again, and only its success is told", () => {
  const cleaning = run(IN_USE, { type: "scopeEmptied" });
  assert.deepEqual(effectsOf(cleaning, { type: "cleanupFailed", reason: "busy" }), [
    "warn",
    "retryCleanup",
  ]);
  assert.deepEqual(effectsOf(cleaning, { type: "cleaned" }), [
    "audit",
    "audit",
    "tellEnded",
    "forget",
  ]);
});

const EVENTS: fc.Arbitrary<AllocationEvent> = fc.oneof(
  fc.constantFrom<AllocationEvent>(
    { type: "scopePopulated" },
    { type: "scopeEmptied" },
    { type: "endAsked" },
    { type: "unusedExpired" },
    { type: "holderDied" },
    { type: "cleaned" },
    { type: "cleanupFailed", reason: "busy" },
  ),
);

Deno.test("WI5: nothing is taken down while processes run, and it all happens once", () => {
  fc.assert(fc.property(fc.boolean(), fc.array(EVENTS, { maxLength: 60 }), (wasUsed, events) => {
    let state = beginAllocation(wasUsed).state;
    let isPopulated = wasUsed;
    let cleanUps = 0;
    let told = 0;
    let forgotten = 0;
    for (const event of events) {
      const before = state;
      const step = stepAllocation(state, event);
      state = step.state;
      if (before.name === "Live" && event.type === "scopePopulated") isPopulated = true;
      if (before.name === "Live" && event.type === "scopeEmptied") isPopulated = false;
      for (const { type } of step.effects) {
        if (type === "cleanUp") {
          assert.equal(isPopulated, false);
          cleanUps++;
        }
        if (type === "tellEnded") told++;
        if (type === "forget") forgotten++;
      }
      if (before.name === "Gone") assert.equal(step.effects.length, 0);
    }
    assert.ok(cleanUps <= 1 && told <= 1 && forgotten <= 1);
    assert.equal(state.name === "Gone", forgotten === 1);
    if (forgotten === 1) assert.equal(told, 1);
  }));
});
