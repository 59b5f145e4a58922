import assert from "node:assert/strict";
import { COVERED, dueInMs, observe } from "../../../../journal/checkpoints/due.ts";

Deno.test("nothing is due while every entry is signed", () => {
  assert.equal(dueInMs(COVERED, 5), undefined);
  assert.equal(dueInMs(observe(observe(COVERED, 3, 0), 0, 10), 10), undefined);
});

Deno.test("a checkpoint is due 60 s after the first entry that none covers", () => {
  const one = observe(COVERED, 1, 1_000);
  assert.equal(dueInMs(one, 1_000), 60_000);
  const more = observe(one, 2, 31_000);
  assert.equal(dueInMs(more, 31_000), 30_000, "later entries do not put it off");
  assert.equal(dueInMs(more, 100_000), 0);
});

Deno.test("a checkpoint is due at once after 1,000 entries", () => {
  assert.equal(dueInMs(observe(COVERED, 999, 0), 0), 60_000);
  assert.equal(dueInMs(observe(COVERED, 1_000, 0), 0), 0);
});

Deno.test("entries that came while the last ones were signed begin a time of their own", () => {
  const before = observe(COVERED, 1_000, 0);
  assert.equal(dueInMs(observe(before, 4, 20_000), 20_000), 60_000);
});
