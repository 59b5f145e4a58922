import assert from "node:assert/strict";
import fc from "fast-check";
import {
  canonicalJson,
  decodeJson,
  encodeJson,
  JsonError,
  JsonReader,
  type JsonValue,
} from "../../../contracts/mod.ts";

Deno.test("NC-4: counters of any size survive JSON as plain decimal numbers", () => {
  fc.assert(fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (counter) => {
    const text = encodeJson({ n: counter });
    assert.equal(text, `{"n":${counter}}`);
    assert.equal(new JsonReader(decodeJson(text), "x").counter("n"), counter);
  }));
});

Deno.test("NC-3: whatever JSON can say is written and read back unchanged", () => {
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
    const plain = JSON.stringify(value);
    assert.equal(encodeJson(JSON.parse(plain) as JsonValue), plain);
  }));
});

Deno.test("AS-10: canonical JSON does not depend on the order of keys", () => {
  assert.equal(canonicalJson({ b: [{ d: 1, c: 2n }], a: null }), '{"a":null,"b":[{"c":2,"d":1}]}');
});

Deno.test("AS-10: canonical JSON is the same text whether the keys came in its order or not", () => {
  // Engines list keys that look like numbers by their value and before all others.
  const cases: readonly (readonly [JsonValue, JsonValue])[] = [
    [{ a: 1, b: undefined, c: [{ x: 1, y: "é\u2028" }] }, { c: [{ y: "é\u2028", x: 1 }], a: 1 }],
    [{ 10: "ten", 9: "nine", Z: 1, a: 2 }, { a: 2, Z: 1, 9: "nine", 10: "ten" }],
    [JSON.parse('{"__proto__":1,"a":2}'), JSON.parse('{"a":2,"__proto__":1}')],
  ];
  for (const [ordered, shuffled] of cases) {
    assert.equal(canonicalJson(ordered), canonicalJson(shuffled));
  }
  assert.equal(canonicalJson({ 9: 1, 10: 2, A: -0 }), '{"10":2,"9":1,"A":0}');
  assert.throws(() => canonicalJson({ a: [Number.NaN] }), JsonError);
  const deep = JSON.parse("[".repeat(100) + "]".repeat(100));
  assert.throws(() => canonicalJson(deep), JsonError);
});

Deno.test("NC-3: null and a missing key read the same, a wrong type is named with its place", () => {
  const reader = new JsonReader({ a: null, n: -1, s: 5 }, "thing");
  assert.equal(reader.textOrNull("a"), reader.textOrNull("b"));
  assert.throws(() => reader.text("b"), {
    message: "malformed JSON at thing.b: expected a text",
  });
  assert.throws(() => reader.counter("n"), JsonError);
  assert.throws(() => reader.text("s"), JsonError);
  assert.throws(
    () => reader.text("toString"),
    JsonError,
  );
});

Deno.test("JSON that is broken, or nested without end, is refused", () => {
  for (const text of ["", "{", "[1,]", "NaN", "[".repeat(500) + "]".repeat(500)]) {
    assert.throws(() => decodeJson(text), JsonError);
  }
  assert.throws(() => encodeJson(Number.NaN), JsonError);
});
