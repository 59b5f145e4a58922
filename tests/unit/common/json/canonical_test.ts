import assert from "node:assert/strict";
import fc from "fast-check";
import { canonicalJson, type JsonValue, withoutNulls } from "../../../../common/json/mod.ts";

Deno.test("JRN-17: canonical JSON is a fixed point of parse and write, whatever the key order", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    const text = canonicalJson(value as JsonValue);
    assert.equal(canonicalJson(JSON.parse(text)), text);
    const shuffled = reverseKeys(value as JsonValue);
    assert.equal(canonicalJson(shuffled), text);
  }));
});

Deno.test("numbers that JSON cannot carry without loss are refused", () => {
  for (const number of [NaN, Infinity]) {
    assert.throws(() => canonicalJson({ number }), /has no JSON form/);
  }
});

Deno.test("NC-3: null members and missing members read alike", () => {
  assert.deepEqual(withoutNulls({ a: null, b: [{ c: null, d: 1 }] }), { b: [{ d: 1 }] });
});

function reverseKeys(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(reverseKeys);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).reverse().map((
      [key, member],
    ) => [key, member === undefined ? undefined : reverseKeys(member)]),
  );
}
