import assert from "node:assert/strict";
import fc from "fast-check";
import { HashedTable } from "../../../../journal/store/hashed_table.ts";

/** Keys that meet again; as many fill a table of the first size to half. */
const keys = fc.oneof(
  fc.nat(520).map((number) => `ann\nr-${number}`),
  fc.constantFrom("", '"', "\ud800", "\ufffd", "żółw\nr-1", "__proto__"),
);

const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("set" as const), key: keys, value: fc.nat() }),
    fc.record({ kind: fc.constant("delete" as const), key: keys }),
  ),
  { maxLength: 200 },
);

Deno.test("whatever comes and goes, a table by hash holds what a map does", () => {
  fc.assert(fc.property(steps, (taken) => {
    const table = new HashedTable<object>();
    const map = new Map<string, object>();
    for (let number = 0; number < 500; number++) {
      [table, map].forEach((each) => each.set(`ann\nr-${number}`, { number }));
    }
    for (const step of taken) {
      if (step.kind === "delete") assert.equal(table.delete(step.key), map.delete(step.key));
      else [table, map].forEach((each) => each.set(step.key, { value: step.value }));
      assert.deepEqual(table.get(step.key), map.get(step.key));
      assert.equal(table.has(step.key), map.has(step.key));
    }
    assert.deepEqual([...table.keys()].sort(), [...map.keys()].sort());
    for (const [key, document] of map) assert.deepEqual(table.get(key), document);
  }));
});

Deno.test("JRN-57: of more keys than the table had places each is found while the oldest go", () => {
  const table = new HashedTable<object>();
  const [count, kept] = [30_000, 5000];
  for (let number = 0; number < count; number++) {
    table.set(`k${number}`, { number });
    if (number >= kept) assert.ok(table.delete(`k${number - kept}`));
  }
  for (let number = 0; number < count; number++) {
    const expected = number < count - kept ? undefined : { number };
    assert.deepEqual(table.get(`k${number}`), expected);
  }
  assert.equal([...table.keys()].length, kept);
  table.clear();
  assert.deepEqual([...table.keys()], []);
  assert.equal(table.get(`k${count - 1}`), undefined);
  table.set("k1", { again: true });
  assert.deepEqual(table.get("k1"), { again: true });
});

Deno.test("JRN-57: a document set again and again is the one that was set last", () => {
  const table = new HashedTable<object>();
  for (let number = 0; number < 2000; number++) table.set(`k${number}`, { number });
  for (let round = 0; round < 3; round++) {
    for (let number = 0; number < 2000; number += 7) table.set(`k${number}`, { number, round });
  }
  for (let number = 0; number < 2000; number++) {
    assert.deepEqual(table.get(`k${number}`), number % 7 === 0 ? { number, round: 2 } : { number });
  }
});
