import assert from "node:assert/strict";
import fc from "fast-check";
import { PAGE_PLACES } from "../../../../journal/store/packed_page.ts";
import { PackedValues } from "../../../../journal/store/packed_values.ts";

/** Many pages, few numbers of each: pages are opened, closed and emptied all the time. */
const numbers = fc.oneof(
  fc.tuple(fc.nat(12), fc.nat(3)).map(([page, place]) => page * PAGE_PLACES + place),
  fc.nat(2 * PAGE_PLACES),
  fc.maxSafeNat(),
);

const values = fc.oneof(fc.string({ unit: "binary" }), fc.dictionary(fc.string(), fc.jsonValue()));

const steps = fc.array(
  fc.oneof(
    { weight: 20, arbitrary: fc.tuple(fc.constant("set"), numbers, values) },
    { weight: 20, arbitrary: fc.tuple(fc.constantFrom("get", "delete"), numbers) },
    { weight: 1, arbitrary: fc.constant(["clear"] as const) },
  ),
  { maxLength: 300, size: "max" },
);

function filled(count: number): PackedValues<object> {
  const values = new PackedValues<object>();
  for (let number = 0; number < count; number++) values.set(number, { number });
  return values;
}

Deno.test("whatever JSON comes, changes and goes, packed values are those a map holds", () => {
  fc.assert(fc.property(steps, (taken) => {
    const packed = new PackedValues<string | object>();
    const map = new Map<number, string | object>();
    for (const [kind, number = 0, value] of taken) {
      if (kind === "clear") [packed, map].forEach((each) => each.clear());
      if (kind === "delete") assert.equal(packed.delete(number), map.delete(number));
      if (value !== undefined) [packed, map].forEach((each) => each.set(number, asJson(value)));
      assert.equal(packed.has(number), map.has(number));
      assert.deepEqual(packed.get(number), map.get(number));
    }
    assert.deepEqual([...packed.numbers()].sort(), [...map.keys()].sort());
    for (const [number, value] of map) assert.deepEqual(packed.get(number), value);
    const pages = new Set([...map.keys()].map((number) => Math.floor(number / PAGE_PLACES)));
    assert.equal(packed.pageCount, pages.size);
  }));
});

/** What a JSON parser makes of the value: fast-check draws objects without a prototype too. */
function asJson(value: string | object): string | object {
  return JSON.parse(JSON.stringify(value));
}

Deno.test("JRN-57: while the oldest values go and new ones come, emptied pages go", () => {
  const [count, kept] = [200 * PAGE_PLACES, 10 * PAGE_PLACES];
  const values = new PackedValues<object>();
  for (let number = 0; number < count; number++) {
    values.set(number, { number });
    if (number >= kept) assert.ok(values.delete(number - kept));
    assert.ok(values.pageCount <= kept / PAGE_PLACES + 1);
  }
  assert.deepEqual(
    [...values.numbers()].map((number) => values.get(number)),
    Array.from({ length: kept }, (_, at) => ({ number: count - kept + at })),
  );
});

Deno.test("of a closed page a value that went stays gone when another of it changes", () => {
  const values = filled(20 * PAGE_PLACES);
  assert.ok(values.delete(1));
  values.set(2, { changed: true });
  // Reading elsewhere closes the page again.
  for (let number = 0; number < 20; number++) values.get(number * PAGE_PLACES + 5);
  assert.equal(values.get(1), undefined);
  assert.deepEqual(values.get(2), { changed: true });
  assert.deepEqual(values.get(3), { number: 3 });
  assert.ok(!values.delete(1));
});

Deno.test("an emptied page is gone, however often its values were set, and can come again", () => {
  const values = filled(20 * PAGE_PLACES);
  for (let number = 0; number < PAGE_PLACES; number++) {
    values.set(number, { twice: true });
    assert.ok(values.delete(number));
  }
  assert.equal(values.pageCount, 19);
  values.set(7, { again: true });
  assert.deepEqual(values.get(7), { again: true });
  assert.equal(values.get(8), undefined);
});
