import assert from "node:assert/strict";
import fc from "fast-check";
import { SecretPem } from "../../../../common/secret/mod.ts";
import type { SvidIdentity } from "../../../../common/spiffe/mod.ts";
import {
  initialSvidState,
  type SvidEvent,
  type SvidState,
  svidStep,
} from "../../../../common/spiffe/svid_state.ts";

const rules = { retryMaxMs: 60_000 };

function identity(notBeforeMs: number, notAfterMs: number): SvidIdentity {
  const uri = "spiffe://site.example/pact/agent/node-1";
  return {
    svid: {
      id: { uri, trustDomain: "site.example", path: "/pact/agent/node-1" },
      chainPem: "",
      keyPem: new SecretPem(""),
      serialHex: `${notBeforeMs}`,
      notBeforeMs,
      notAfterMs,
    },
    bundles: new Map(),
  };
}

function after(events: readonly (readonly [number, SvidEvent])[]) {
  let state: SvidState = initialSvidState;
  let wakeAtMs: number | undefined;
  const done: string[] = [];
  for (const [nowMs, event] of events) {
    const next = svidStep(state, event, nowMs, rules);
    state = next.state;
    for (const effect of next.effects) {
      if (effect.kind === "wakeAt") wakeAtMs = effect.atMs;
      else if (effect.kind === "announce") {
        done.push(effect.held === undefined ? "none" : effect.held.isAging ? "aging" : "fresh");
      } else done.push(effect.kind);
    }
  }
  return { state, wakeAtMs, done };
}

const start = { kind: "start" } as const;
const due = { kind: "due" } as const;
const broken = { kind: "broken", code: "UNAVAILABLE", jitter: 1 } as const;

Deno.test("SPI-2: an SVID outlives its stream until it ends itself", () => {
  const answer: SvidEvent = { kind: "answer", identity: identity(0, 900) };
  const begun = [[0, start], [0, answer], [10, broken]] as const;
  assert.deepEqual(after(begun).done, ["connect", "fresh"]);
  const late = after([...begun, [601, due], [899, due], [900, due]]);
  assert.deepEqual(late.done, ["connect", "fresh", "aging", "connect", "none"]);
  assert.equal(late.state.held, undefined);
});

Deno.test("an agent that stays with it that there is no identity any more takes it back", () => {
  const answer: SvidEvent = { kind: "answer", identity: identity(0, 1e6) };
  const denied: SvidEvent = { ...broken, code: "NO_IDENTITY" };
  const begun = [[0, start], [0, answer], [10, denied], [600, due]] as const;
  assert.deepEqual(after([...begun, [30_009, denied]]).done, ["connect", "fresh", "connect"]);
  const last = after([...begun, [30_010, denied]]);
  assert.deepEqual(last.done, ["connect", "fresh", "connect", "none"]);
  assert.equal(last.state.phase.kind, "waiting");
  // One that has just started says so until it has heard from its server.
  const restarted = after([...begun, [700, answer], [710, denied], [1_500, due], [30_700, denied]]);
  assert.ok(restarted.state.held !== undefined);
});

Deno.test("IDN-1: an SVID that is not replaced after two thirds of its life has the stream opened anew", () => {
  const answer: SvidEvent = { kind: "answer", identity: identity(0, 900) };
  const { done, wakeAtMs } = after([[0, start], [0, answer], [600, due], [601, due]]);
  assert.deepEqual(done, ["connect", "fresh", "aging", "connect"]);
  assert.equal(wakeAtMs, 900);
});

Deno.test("waits between tries double up to the bound, and begin anew after an answer", () => {
  let state = svidStep(initialSvidState, start, 0, rules).state;
  const waits: number[] = [];
  let nowMs = 0;
  for (let attempt = 0; attempt < 10; attempt++) {
    const lost = svidStep(state, broken, nowMs, rules);
    const [wake] = lost.effects.filter((effect) => effect.kind === "wakeAt");
    assert.ok(wake?.atMs !== undefined);
    waits.push(wake.atMs - nowMs);
    nowMs = wake.atMs;
    state = svidStep(lost.state, due, nowMs, rules).state;
  }
  assert.deepEqual(waits.slice(0, 4), [500, 1_000, 2_000, 4_000]);
  assert.equal(Math.max(...waits), rules.retryMaxMs);
  state = svidStep(state, { kind: "answer", identity: identity(0, 1e9) }, nowMs, rules).state;
  const lost = svidStep(state, broken, nowMs, rules).state;
  assert.ok(lost.phase.kind === "waiting" && lost.phase.retryAtMs - nowMs === 500);
});

Deno.test("a clock that was set back does not put the next try off", () => {
  const { done } = after([[1e9, start], [1e9, broken], [0, due]]);
  assert.deepEqual(done, ["connect", "connect"]);
});

Deno.test("whatever happens, what is held has not ended, and somebody is to look again", () => {
  const event: fc.Arbitrary<SvidEvent> = fc.oneof(
    fc.constant(start),
    fc.constant(due),
    fc.record({
      kind: fc.constant("answer" as const),
      identity: fc.tuple(fc.nat(1_000), fc.nat(1_000)).map(([from, life]) =>
        identity(from, from + life)
      ),
    }),
    fc.record({
      kind: fc.constant("broken" as const),
      code: fc.constantFrom("UNAVAILABLE" as const, "NO_IDENTITY" as const, "MALFORMED" as const),
      jitter: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  );
  fc.assert(fc.property(fc.array(fc.tuple(fc.nat(50), event)), (script) => {
    let state: SvidState = svidStep(initialSvidState, start, 0, rules).state;
    let wakeAtMs: number | undefined;
    let nowMs = 0;
    for (const [waitMs, next] of script) {
      nowMs = Math.min(nowMs + waitMs, wakeAtMs ?? Infinity);
      const isDue = nowMs === wakeAtMs;
      const step = svidStep(state, isDue ? due : next, nowMs, rules);
      state = step.state;
      for (const effect of step.effects) if (effect.kind === "wakeAt") wakeAtMs = effect.atMs;
      const endMs = state.held?.identity.svid.notAfterMs ?? Infinity;
      assert.ok(nowMs < endMs, "what is held is valid");
      const isWatched = state.held === undefined && state.phase.kind !== "waiting";
      assert.ok(isWatched || (wakeAtMs !== undefined && wakeAtMs <= endMs), "a look is planned");
    }
    assert.equal(svidStep(state, { kind: "close" }, nowMs, rules).state.held, undefined);
  }));
});
