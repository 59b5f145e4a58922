import assert from "node:assert/strict";
import fc from "fast-check";
import { FORMATS, readStamp, stamped, unstamped } from "../../../../journal/log/mod.ts";

const decoder = new TextDecoder("utf-8", { fatal: true });

Deno.test("JRN-20: what was proposed comes back with the leader's time, whatever was proposed beside it", () => {
  const text = fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 200 }),
    fc.nat(100_000).map((length) => "ü".repeat(length)),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(text, fc.nat())), (proposals) => {
      const records = proposals.map(([content, atMs]) => stamped(unstamped(content), atMs));
      const read = records.map((record) => readStamp(record));
      assert.deepEqual(
        read.map((stamp) => stamp && [decoder.decode(stamp.content), stamp.atMs]),
        proposals.map(([content, atMs]) => [content, atMs]),
      );
    }),
  );
});

Deno.test("JRN-20: a leader that takes a payload again leaves the record of the first time as it was", () => {
  const first = stamped(unstamped("command"), 1);
  const second = stamped(first, 2);
  assert.deepEqual([readStamp(first)?.atMs, readStamp(second)?.atMs], [1, 2]);
});

Deno.test("DEP-91: a payload says which form it has, and the first one has the byte it always had", () => {
  const [named, packed] = [unstamped("{}"), unstamped("[]", FORMATS.packed)];
  assert.equal(named[0], 2);
  assert.equal(readStamp(stamped(named, 1))?.format, FORMATS.named);
  assert.equal(readStamp(stamped(packed, 1))?.format, FORMATS.packed);
});

Deno.test("a payload of a format that this program does not know is none", () => {
  const payload = unstamped("command");
  payload[0] = FORMATS.packed + 1;
  assert.equal(readStamp(payload), undefined);
  assert.equal(readStamp(new Uint8Array(3)), undefined);
});
