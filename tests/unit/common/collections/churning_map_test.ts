import assert from "node:assert/strict";
import fc from "fast-check";
import { ChurningMap, Places } from "../../../../common/collections/mod.ts";

Deno.test("a churning map does what a map does, in the same order", () => {
  const operation = fc.oneof(
    fc.record({ do: fc.constant("set" as const), key: fc.nat(9), value: fc.nat() }),
    fc.record({ do: fc.constant("delete" as const), key: fc.nat(9), value: fc.constant(0) }),
  );
  fc.assert(fc.property(fc.array(operation), (operations) => {
    const churning = new ChurningMap<number, { value: number }>();
    const plain = new Map<number, { value: number }>();
    for (const { do: kind, key, value } of operations) {
      if (kind === "set") {
        churning.set(key, { value });
        plain.set(key, { value });
      } else {
        assert.deepEqual(churning.delete(key), plain.get(key));
        plain.delete(key);
      }
      assert.deepEqual(churning.get(key), plain.get(key));
    }
    assert.equal(churning.size, plain.size);
    assert.deepEqual([...churning], [...plain]);
    assert.deepEqual([...churning.keys()], [...plain.keys()]);
    assert.deepEqual([...churning.values()], [...plain.values()]);
  }));
});

Deno.test("what is deleted while a churning map is listed does not come, what is left does", () => {
  const map = new ChurningMap<string, string>();
  for (const key of ["a", "b", "c"]) map.set(key, key.toUpperCase());
  const seen: string[] = [];
  for (const [key, value] of map) {
    seen.push(value);
    map.delete(key);
    map.delete("b");
  }
  assert.deepEqual(seen, ["A", "C"]);
  assert.equal(map.size, 0);
});

Deno.test("a place is used again once its value is removed, which happens once", () => {
  const places = new Places<string>();
  const first = places.add("first");
  const second = places.add("second");
  assert.equal(places.remove(first), "first");
  assert.equal(places.remove(first), undefined);
  assert.equal(places.size, 1);
  assert.equal(places.add("third"), first);
  assert.equal(places.add("fourth") > second, true);
  assert.deepEqual([...places].map(([, value]) => value).sort(), ["fourth", "second", "third"]);
});
