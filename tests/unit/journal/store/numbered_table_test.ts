import assert from "node:assert/strict";
import fc from "fast-check";
import { numberKey } from "../../../../journal/state/mod.ts";
import { NumberedTable } from "../../../../journal/store/numbered_table.ts";

const numbers = fc.oneof(fc.nat(1000), fc.maxSafeNat());
const steps = fc.array(fc.tuple(fc.constantFrom("set", "delete", "clear"), numbers), {
  maxLength: 300,
});

Deno.test("a table by number holds what a table by key would, whatever numbers come and go", () => {
  fc.assert(fc.property(steps, (steps) => {
    const table = new NumberedTable<object>();
    const model = new Map<string, object>();
    for (const [at, [step, number]] of steps.entries()) {
      const key = numberKey(number);
      if (step === "delete") {
        assert.equal(table.delete(key), model.delete(key));
      } else if (step === "set") {
        [table, model].forEach((each) => each.set(key, { number, at }));
      } else if (number < 10) {
        [table, model].forEach((each) => each.clear());
      }
      assert.deepEqual(table.get(key), model.get(key));
      assert.equal(table.has(key), model.has(key));
    }
    assert.deepEqual([...table.keys()].sort(), [...model.keys()].sort());
    for (const [key, document] of model) assert.deepEqual(table.get(key), document);
  }));
});
