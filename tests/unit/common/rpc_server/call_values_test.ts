import assert from "node:assert/strict";
import { createContextKey } from "@connectrpc/connect";
import fc from "fast-check";
import { CallValues } from "../../../../common/rpc_server/call_values.ts";

Deno.test("a call's values are those last set, and the default where none is or it was deleted", () => {
  const keys = [1, 2, 3, 4].map((byDefault) => createContextKey(byDefault));
  const steps = fc.array(fc.record({ at: fc.nat(3), value: fc.option(fc.nat()) }));
  fc.assert(fc.property(steps, (steps) => {
    const values = new CallValues();
    const model = keys.map(({ defaultValue }) => defaultValue);
    for (const { at, value } of steps) {
      const key = keys[at];
      assert.ok(key);
      if (value === null) values.delete(key);
      else values.set(key, value);
      model[at] = value ?? key.defaultValue;
      assert.deepEqual(keys.map((each) => values.get(each)), model);
    }
  }));
});
