import assert from "node:assert/strict";
import {
  decideAutoConverge,
  DEFAULT_REPORT_LIMITS,
  forgetChange,
  nodeState,
  noteChange,
  noteReport,
  noteReversions,
  reportDueMs,
  type ReversionHistory,
} from "../../../../agent/window/mod.ts";
import type { DriftItem } from "../../../../agent/drift/mod.ts";

Deno.test("DRIFT-8: a burst is one entry, five seconds after its first event", () => {
  const burst = noteChange(noteChange({}, 1000), 4000);
  assert.equal(reportDueMs(burst, DEFAULT_REPORT_LIMITS), 6000);
  assert.equal(reportDueMs(forgetChange(burst), DEFAULT_REPORT_LIMITS), undefined);
});

Deno.test("DRIFT-7: there is at most one entry in ten seconds", () => {
  const again = noteChange(noteReport(6000), 7000);
  assert.equal(reportDueMs(again, DEFAULT_REPORT_LIMITS), 16_000);
  assert.equal(reportDueMs(noteChange(noteReport(6000), 60_000), DEFAULT_REPORT_LIMITS), 65_000);
});

Deno.test("DRIFT-9: emergency before converging before drifted; observe shows as such", () => {
  const facts = { mode: "enforce", emergency: false, converging: false, drifted: false } as const;
  assert.equal(nodeState(facts), "Committed");
  assert.equal(nodeState({ ...facts, drifted: true }), "Drifted");
  assert.equal(nodeState({ ...facts, drifted: true, converging: true }), "Converging");
  assert.equal(nodeState({ ...facts, mode: "observe", drifted: true }), "ObserveOnly");
  assert.equal(nodeState({ ...facts, mode: "observe", emergency: true }), "Emergency");
});

const item = (key: string, actor?: string): DriftItem => ({
  category: "kernel",
  key,
  action: "Modify",
  source: "declared",
  firstSeenMs: 0,
  ...(actor !== undefined && { attribution: { actor } }),
});

Deno.test("DRIFT-10: what nobody is known to have done is reverted, an administrator's work is not", () => {
  const decision = decideAutoConverge(
    [item("vm.swappiness"), item("vm.dirty_ratio", "alice")],
    new Set(["kernel"]),
    new Map(),
    0,
  );
  assert.deepEqual(decision.revert.map(({ key }) => key), ["vm.swappiness"]);
  assert.deepEqual(decideAutoConverge([item("a")], new Set(["files"]), new Map(), 0).revert, []);
});

Deno.test("DRIFT-10: a key reverted three times in ten minutes is flapping and left to the window", () => {
  const name = "kernel:vm.swappiness";
  let history: ReversionHistory = new Map();
  for (const atMs of [0, 60_000, 120_000]) history = noteReversions(history, [name], atMs);
  const decide = (nowMs: number) =>
    decideAutoConverge([item("vm.swappiness")], new Set(["kernel"]), history, nowMs);
  assert.deepEqual(decide(180_000).flapping, [name]);
  assert.deepEqual(decide(180_000).revert, []);
  assert.deepEqual(decide(600_001).flapping, []);
});
