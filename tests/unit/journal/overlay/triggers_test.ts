import assert from "node:assert/strict";
import fc from "fast-check";
import {
  affectedVCluster,
  afterEvent,
  nextDueMs,
  NO_REBUILDS,
  type RebuildEvent,
  type RebuildSchedule,
  takeDue,
} from "../../../../journal/overlay/mod.ts";
import { append, commit, TestState } from "../../../support/journal/mod.ts";

const event = (kind: RebuildEvent["kind"]): RebuildEvent => ({ kind, vclusterId: "ml" });

/** The schedule after events at their times. */
function after(...events: readonly [RebuildEvent["kind"] | "take", number][]): RebuildSchedule {
  return events.reduce<RebuildSchedule>(
    (schedule, [kind, nowMs]) =>
      kind === "take"
        ? takeDue(schedule, nowMs).schedule
        : afterEvent(schedule, event(kind), nowMs),
    NO_REBUILDS,
  );
}

Deno.test("OVL-6: which entries make which vCluster's overlay stale", () => {
  using state = new TestState();
  const affected = (sequence: number) => affectedVCluster(state.entry(sequence));
  assert.equal(affected(state.append(commit({ VCluster: "ml" }, { a: "1" }))), "ml");
  assert.equal(affected(state.append(commit({ Node: "n1" }, { a: "1" }))), undefined);
  assert.equal(affected(state.append(commit("Global", { a: "1" }))), undefined);
  const log = append({ entry_type: "ExecLog", scope: { VCluster: "ml" } });
  assert.equal(affected(state.append(log)), undefined);
  state.send({ type: "SetBlacklist", vcluster_id: "ml", add: ["*.log"] });
  assert.equal(affected(state.entries().length - 1), "ml");
});

const TABLE: readonly [what: string, schedule: RebuildSchedule, dueMs: number | undefined][] = [
  ["the first change is due at once", after(["changed", 5]), 5],
  ["a burst is one rebuild", after(["changed", 5], ["changed", 6], ["changed", 7]), 5],
  ["what is being built is not due", after(["changed", 5], ["take", 5]), undefined],
  [
    "a change during a build asks for another",
    after(["changed", 5], ["take", 5], ["changed", 6], ["built", 10]),
    260,
  ],
  ["after a build all is quiet", after(["changed", 5], ["take", 5], ["built", 10]), undefined],
  [
    "the next change waits for the interval",
    after(["changed", 5], ["take", 5], ["built", 10], ["changed", 20]),
    260,
  ],
  [
    "a change after the interval does not wait",
    after(["changed", 5], ["take", 5], ["built", 10], ["changed", 900]),
    900,
  ],
  ["OVL-11: a failure waits 1 s", after(["changed", 0], ["take", 0], ["failed", 0]), 1000],
  [
    "OVL-11: a second failure waits 2 s",
    after(["changed", 0], ["take", 0], ["failed", 0], ["take", 1000], ["failed", 1000]),
    3000,
  ],
];

for (const [what, schedule, dueMs] of TABLE) {
  Deno.test(`OVL-6: ${what}`, () => assert.equal(nextDueMs(schedule), dueMs));
}

Deno.test("OVL-6: however changes fall, builds of one vCluster start 250 ms apart and none is lost", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(400), { minLength: 1, maxLength: 30 }), (gaps) => {
      let schedule = NO_REBUILDS;
      let nowMs = 0;
      const starts: number[] = [];
      const runUntil = (endMs: number) => {
        for (
          let dueMs = nextDueMs(schedule);
          dueMs !== undefined && dueMs <= endMs;
          dueMs = nextDueMs(schedule)
        ) {
          schedule = takeDue(schedule, dueMs).schedule;
          starts.push(dueMs);
          schedule = afterEvent(schedule, event("built"), dueMs);
        }
      };
      let lastChange = 0;
      for (const gap of gaps) {
        runUntil(nowMs + gap);
        nowMs += gap;
        lastChange = nowMs;
        schedule = afterEvent(schedule, event("changed"), nowMs);
      }
      runUntil(Infinity);
      starts.slice(1).forEach((start, at) => assert.ok(start - (starts[at] ?? 0) >= 250));
      assert.ok((starts.at(-1) ?? -1) >= lastChange);
    }),
  );
});
