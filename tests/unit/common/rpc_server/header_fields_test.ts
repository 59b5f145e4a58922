import assert from "node:assert/strict";
import fc from "fast-check";
import { HeaderFields } from "../../../../common/rpc_server/header_fields.ts";

Deno.test("API-2: fields of a call are read and written as with the runtime's own headers", () => {
  const name = fc.constantFrom("x-a", "X-A", "x-b", "X-C", "content-type");
  const value = fc.constantFrom("1", "two words", " padded ", "gr\u00fcn");
  const step = fc.record({ kind: fc.constantFrom("set", "append", "delete"), name, value });
  fc.assert(fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
    const [ours, theirs] = [new HeaderFields(), new Headers()];
    for (const { kind, name, value } of steps) {
      for (const headers of [ours, theirs]) {
        if (kind === "set") headers.set(name, value);
        else if (kind === "append") headers.append(name, value);
        else headers.delete(name);
      }
    }
    for (const name of ["x-a", "X-B", "x-c", "Content-Type", "x-d"]) {
      assert.equal(ours.get(name), theirs.get(name));
      assert.equal(ours.has(name), theirs.has(name));
    }
    assert.deepEqual([...ours].toSorted(), [...theirs]);
    assert.deepEqual([...ours.keys()].toSorted(), [...theirs.keys()]);
    assert.deepEqual([...ours.values()].toSorted(), [...theirs.values()].toSorted());
    const heard: string[][] = [];
    ours.forEach((value, name) => heard.push([name, value]));
    assert.deepEqual(heard, [...ours]);
    assert.deepEqual([...new Headers(ours)], [...theirs]);
  }));
});

Deno.test("section 1.2: a field that would end its line is refused", () => {
  const fields = new HeaderFields();
  for (const value of ["a\r\nb: c", "a\n", "\u0000", "\u20ac"]) {
    assert.throws(() => fields.set("x-a", value), TypeError);
  }
  for (const name of ["", "x a", "x:a", "x\r\n", "\u00e4"]) {
    assert.throws(() => fields.append(name, "1"), TypeError);
  }
  assert.deepEqual([...fields], []);
});
