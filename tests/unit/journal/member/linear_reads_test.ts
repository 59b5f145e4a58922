import assert from "node:assert/strict";
import { LinearReads, type ReadEffect } from "../../../../journal/member/mod.ts";

const ORIGIN = 7;
const RETRY_MS = 500;

Deno.test("JRN-59: reads that come together are one question", () => {
  const reads = new LinearReads(ORIGIN, RETRY_MS);
  const ids = [reads.add(), reads.add()];
  const context = contextOf(reads.flush(0));
  assert.deepEqual(reads.flush(0), [], "nothing is left to ask");
  assert.deepEqual(reads.answered({ context, index: 9 }), [{ kind: "place", ids, index: 9 }]);
  assert.equal(reads.size, 0);
});

Deno.test("JRN-59: a read that comes after the question needs one of its own", () => {
  const reads = new LinearReads(ORIGIN, RETRY_MS);
  const early = reads.add();
  const context = contextOf(reads.flush(0));
  const late = reads.add();
  assert.deepEqual(reads.answered({ context, index: 3 }), [
    { kind: "place", ids: [early], index: 3 },
  ]);
  const next = contextOf(reads.flush(1));
  assert.deepEqual(reads.answered({ context: next, index: 4 }), [
    { kind: "place", ids: [late], index: 4 },
  ]);
});

Deno.test("a lost question is asked again under another context, and its late answer counts for nothing", () => {
  const reads = new LinearReads(ORIGIN, RETRY_MS);
  const id = reads.add();
  const lost = contextOf(reads.flush(0));
  assert.deepEqual(reads.tick(RETRY_MS - 1), []);
  const again = contextOf(reads.tick(RETRY_MS));
  assert.notDeepEqual(again, lost);
  assert.deepEqual(reads.answered({ context: lost, index: 1 }), []);
  assert.deepEqual(reads.answered({ context: again, index: 2 }), [
    { kind: "place", ids: [id], index: 2 },
  ]);
});

Deno.test("answers to an earlier process of the same member, and garbage, are passed over", () => {
  const before = new LinearReads(ORIGIN + 1, RETRY_MS);
  before.add();
  const foreign = contextOf(before.flush(0));
  const reads = new LinearReads(ORIGIN, RETRY_MS);
  reads.add();
  reads.flush(0);
  assert.deepEqual(reads.answered({ context: foreign, index: 1 }), []);
  assert.deepEqual(reads.answered({ context: new Uint8Array(3), index: 1 }), []);
  assert.equal(reads.size, 1);
});

Deno.test("a reader that gave up gets no answer", () => {
  const reads = new LinearReads(ORIGIN, RETRY_MS);
  const gone = reads.add();
  const stays = reads.add();
  const context = contextOf(reads.flush(0));
  reads.forget(gone);
  assert.deepEqual(reads.answered({ context, index: 5 }), [
    { kind: "place", ids: [stays], index: 5 },
  ]);
});

function contextOf(effects: readonly ReadEffect[]): Uint8Array {
  const [effect] = effects;
  assert.equal(effect?.kind, "ask");
  return effect.kind === "ask" ? effect.context : new Uint8Array(0);
}
