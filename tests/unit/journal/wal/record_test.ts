import assert from "node:assert/strict";
import fc from "fast-check";
import type { Entry } from "../../../../journal/raft/mod.ts";
import {
  decodeEntries,
  decodeEntry,
  encodeEntries,
  encodeWrite,
  RecordError,
} from "../../../../journal/wal/mod.ts";

const safeInteger = fc.maxSafeNat();
const plain = { noNullPrototype: true };

const change = fc.record({
  transition: fc.constantFrom("auto" as const, "implicit" as const, "explicit" as const),
  changes: fc.array(
    fc.record({
      kind: fc.constantFrom(
        "add-voter" as const,
        "add-learner" as const,
        "remove" as const,
        "update" as const,
      ),
      id: safeInteger,
    }, plain),
    { maxLength: 4 },
  ),
  context: fc.uint8Array({ maxLength: 40 }),
}, plain);

const entry: fc.Arbitrary<Entry> = fc.oneof(
  fc.record({
    kind: fc.constant("normal" as const),
    term: safeInteger,
    index: safeInteger,
    data: fc.uint8Array({ maxLength: 200 }),
  }, plain),
  fc.record({
    kind: fc.constant("membership" as const),
    term: safeInteger,
    index: safeInteger,
    form: fc.constantFrom("single" as const, "list" as const),
    change,
  }, plain),
);

function normal(index: number, data = "data"): Entry {
  return { kind: "normal", index, term: 1, data: new TextEncoder().encode(data) };
}

Deno.test("JRN-52: entries of every kind come back from their bytes as they were", () => {
  fc.assert(fc.property(fc.array(entry, { maxLength: 8 }), (entries) => {
    assert.deepEqual(decodeEntries(encodeEntries(entries)), entries);
  }));
});

Deno.test("JRN-65: any changed byte of an entry is noticed, any cut too", () => {
  fc.assert(
    fc.property(entry, fc.nat(), fc.integer({ min: 1, max: 255 }), (original, at, mask) => {
      const bytes = encodeEntries([original]);
      const position = at % bytes.length;
      const cut = bytes.slice(0, position);
      bytes[position] = (bytes[position] ?? 0) ^ mask;
      assert.throws(() => decodeEntries(bytes), RecordError);
      if (position > 0) assert.throws(() => decodeEntries(cut), RecordError);
      assert.throws(() => decodeEntry(cut), RecordError);
    }),
  );
});

Deno.test("garbage is refused with the place of the trouble, whatever it is", () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 100 }), (garbage) => {
    assert.throws(() => decodeEntries(garbage), RecordError);
  }));
  const good = encodeEntries([normal(1)]);
  const withMore = new Uint8Array([...good, 1, 2, 3]);
  assert.throws(() => decodeEntries(withMore), { name: "RecordError", offset: good.length });
  assert.throws(() => decodeEntry(withMore), { name: "RecordError", offset: good.length });
});

Deno.test("a write tells where each of its entries stands", () => {
  const entries = [normal(4, "four"), normal(5, ""), normal(6, "six")];
  const { bytes, places } = encodeWrite({ hardState: { term: 1, vote: 2, commit: 3 }, entries });
  assert.deepEqual(
    places.map(({ offset, bytes: length }) => decodeEntry(bytes.subarray(offset, offset + length))),
    entries,
  );
});

Deno.test("a write whose indexes leave a gap or are no safe integers is refused", () => {
  assert.throws(() => encodeWrite({ entries: [normal(1), normal(3)] }), RangeError);
  assert.throws(() => encodeWrite({ entries: [normal(2 ** 53)] }), RangeError);
});
