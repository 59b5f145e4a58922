import assert from "node:assert/strict";
import fc from "fast-check";
import { admitCall, initialRateState, type RateClass } from "../../../../mcp/safety/mod.ts";

/** Makes calls at the given instants and tells which were let through. */
function admitted(classes: readonly RateClass[], timesMs: readonly number[]): number[] {
  let state = initialRateState;
  return timesMs.filter((nowMs) => {
    const decision = admitCall(state, classes, nowMs);
    state = decision.state;
    return decision.waitMs === 0;
  });
}

Deno.test("SAF-3: no minute has more than 120 calls, 20 writes or 10 executions", () => {
  for (
    const [classes, most] of [
      [["any"], 120],
      [["any", "write"], 20],
      [["any", "write", "exec"], 10],
    ] as const
  ) {
    fc.assert(fc.property(
      fc.array(fc.integer({ min: 0, max: 2_000 }), { maxLength: 400 }),
      (gapsMs) => {
        let nowMs = 0;
        const passed = admitted(classes, gapsMs.map((gapMs) => nowMs += gapMs));
        for (const start of passed) {
          const inMinute = passed.filter((at) => at >= start && at < start + 60_000);
          assert.ok(inMinute.length <= most);
        }
      },
    ));
  }
});

Deno.test("SAF-3: a refused call learns when to come back, and then gets through", () => {
  let state = initialRateState;
  for (let call = 0; call < 10; call++) {
    ({ state } = admitCall(state, ["any", "write", "exec"], call * 1_000));
  }
  const refused = admitCall(state, ["any", "write", "exec"], 10_000);
  assert.equal(refused.waitMs, 50_000);
  assert.equal(admitCall(refused.state, ["any"], 10_000).waitMs, 0, "reading goes on");
  assert.equal(admitCall(refused.state, ["any", "write", "exec"], 60_000).waitMs, 0);
});
