import assert from "node:assert/strict";
import fc from "fast-check";
import { HashedTable } from "../../../../journal/store/hashed_table.ts";

/** Keys that meet again; as many fill a table of the first size to half. */
const keys = fc.nat(520).map((number) => `ann\nr-${number}`);

const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("set" as const), key: keys, value: fc.nat() }),
    fc.record({ kind: fc.constant("delete" as const), key: keys }),
  ),
  { maxLength: 200 },
);

Deno.test("whatever comes and goes, a table by hash holds what a map does", () => {
  fc.assert(fc.property(steps, (taken) => {
    const table = new HashedTable<number>();
    const map = new Map<string, number>();
    for (let number = 0; number < 500; number++) {
      [table, map].forEach((each) => each.set(`ann\nr-${number}`, number));
    }
    for (const step of taken) {
      if (step.kind === "delete") assert.equal(table.delete(step.key), map.delete(step.key));
      else [table, map].forEach((each) => each.set(step.key, step.value));
      assert.equal(table.get(step.key), map.get(step.key));
      assert.equal(table.has(step.key), map.has(step.key));
    }
    assert.deepEqual([...table.keys()].sort(), [...map.keys()].sort());
  }));
});

Deno.test("JRN-57: of more keys than the table had places each is found while the oldest go", () => {
  const table = new HashedTable<number>();
  const [count, kept] = [30_000, 5000];
  for (let number = 0; number < count; number++) {
    table.set(`k${number}`, number);
    if (number >= kept) assert.ok(table.delete(`k${number - kept}`));
  }
  for (let number = 0; number < count; number++) {
    const expected = number < count - kept ? undefined : number;
    assert.equal(table.get(`k${number}`), expected);
  }
  assert.equal([...table.keys()].length, kept);
  table.clear();
  assert.deepEqual([...table.keys()], []);
  assert.equal(table.get(`k${count - 1}`), undefined);
});
