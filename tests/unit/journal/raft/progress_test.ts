import assert from "node:assert/strict";
import fc from "fast-check";
import { Inflights, Progress } from "../../../../journal/raft/progress/mod.ts";

Deno.test("in-flight messages are counted by number and bytes, whatever order of acks", () => {
  const operation = fc.oneof(
    fc.record({ kind: fc.constant("add"), value: fc.integer({ min: 0, max: 50 }) }),
    fc.record({ kind: fc.constant("ack"), value: fc.integer({ min: 0, max: 40 }) }),
    fc.record({ kind: fc.constant("clear"), value: fc.constant(0) }),
  );
  fc.assert(fc.property(fc.array(operation), (operations) => {
    const inflights = new Inflights(5, 120);
    let model: { index: number; bytes: number }[] = [];
    let next = 1;
    const bytes = () => model.reduce((sum, slot) => sum + slot.bytes, 0);
    for (const { kind, value } of operations) {
      if (kind === "add" && !inflights.isFull) {
        inflights.add(next, value);
        model.push({ index: next++, bytes: value });
      } else if (kind === "ack") {
        inflights.acknowledge(value);
        model = model.filter(({ index }) => index > value);
      } else if (kind === "clear") {
        inflights.clear();
        model = [];
      }
      assert.equal(inflights.count, model.length);
      assert.equal(inflights.isFull, model.length >= 5 || bytes() >= 120);
    }
  }));
});

function progress(maxInflight = 3): Progress {
  return new Progress({
    match: 0,
    next: 5,
    isLearner: false,
    isRecentlyActive: true,
    inflights: new Inflights(maxInflight, Infinity),
  });
}

Deno.test("a probe sends one message and waits; an empty one does not count", () => {
  const probe = progress();
  probe.appendSent(0, 0, 1);
  assert.equal(probe.isPaused, false);
  probe.appendSent(2, 20, 1);
  assert.equal(probe.isPaused, true);
  assert.equal(probe.next, 5, "what was probed is sent again until it is known to fit");
  probe.acknowledge(6);
  assert.deepEqual([probe.isPaused, probe.match, probe.next], [false, 6, 7]);
});

Deno.test("a stream goes on until its window is full, and an ack opens it", () => {
  const stream = progress(2);
  stream.becomeReplicate();
  stream.appendSent(1, 1, 0);
  stream.appendSent(3, 3, 0);
  assert.deepEqual([stream.isPaused, stream.next, stream.takesEntries], [true, 5, false]);
  stream.acknowledge(1);
  stream.freeInflights(1);
  assert.deepEqual([stream.isPaused, stream.inflightCount, stream.takesEntries], [false, 1, true]);
});

Deno.test("a refusal that is history moves nothing", () => {
  const probe = progress();
  assert.equal(probe.retreat(2, 1), false);
  assert.equal(probe.next, 5);
  assert.equal(probe.retreat(4, 1), true);
  assert.equal(probe.next, 2);
  const stream = progress();
  stream.acknowledge(7);
  stream.becomeReplicate();
  assert.equal(stream.retreat(7, 3), false);
  assert.equal(stream.retreat(9, 3), true);
  assert.equal(stream.next, 8);
});

Deno.test("after a snapshot the next probe begins behind it, unless the snapshot failed", () => {
  const delivered = progress();
  delivered.becomeSnapshot(20);
  assert.equal(delivered.isPaused, true);
  delivered.becomeProbe();
  assert.equal(delivered.next, 21);
  const failed = progress();
  failed.becomeSnapshot(20);
  failed.forgetSnapshot();
  failed.becomeProbe();
  assert.equal(failed.next, 1);
});
