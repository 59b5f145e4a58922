import assert from "node:assert/strict";
import fc from "fast-check";
import { Outbox } from "../../../../journal/peers/mod.ts";
import { append, entry, raftMessage } from "./fixture.ts";

const limits = { maxMessages: 50, maxBytes: 20_000, maxBatchBytes: 5_000 };

Deno.test("demand 3: what waits for a peer is bounded, kept in order and taken in bounded batches", () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ bytes: fc.nat(8_000) }) },
    { weight: 1, arbitrary: fc.constant("take" as const) },
  );
  fc.assert(fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
    const outbox = new Outbox(limits);
    const expected: number[] = [];
    for (const [at, what] of steps.entries()) {
      if (what === "take") {
        const batch = outbox.takeBatch();
        assert.deepEqual(batch.map(({ commit }) => commit), expected.splice(0, batch.length));
        const bytes = batch.reduce((sum, { entries }) => sum + dataBytes(entries), 0);
        assert.ok(batch.length === 1 || bytes <= limits.maxBatchBytes);
      } else {
        const message = { ...append(1, 2, 0, [entry(1, what.bytes)]), commit: at };
        if (outbox.add(message)) expected.push(at);
      }
      assert.equal(outbox.length, expected.length);
      assert.ok(outbox.length <= limits.maxMessages && outbox.bytes <= limits.maxBytes);
    }
    assert.equal(outbox.clear(), expected.length);
    assert.deepEqual([outbox.length, outbox.bytes, outbox.takeBatch()], [0, 0, []]);
  }));
});

Deno.test("demand 3: one message larger than the bounds still passes when nothing else waits", () => {
  const outbox = new Outbox(limits);
  const large = append(1, 2, 0, [entry(1, 100_000)]);
  assert.ok(outbox.add(large));
  assert.ok(!outbox.add(raftMessage(1, 2)));
  assert.deepEqual(outbox.takeBatch(), [large]);
});

function dataBytes(entries: readonly { kind: string; data?: Uint8Array }[]): number {
  return entries.reduce((sum, { data }) => sum + (data?.length ?? 0), 0);
}
