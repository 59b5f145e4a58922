import assert from "node:assert/strict";
import fc from "fast-check";
import {
  jointCommitted,
  jointVote,
  majorityCommitted,
  majorityVote,
  type VoteResult,
} from "../../../../journal/raft/mod.ts";

const ids = fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 7 })
  .map((list) => new Set(list));
const indexes = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: 10, maxLength: 10 });
const votes = fc.array(fc.option(fc.boolean(), { nil: undefined }), {
  minLength: 10,
  maxLength: 10,
});

/** By definition: the highest index that more than half hold. */
function naiveCommitted(voters: ReadonlySet<number>, held: readonly number[]): number {
  if (voters.size === 0) return Infinity;
  const holders = (index: number) => [...voters].filter((id) => (held[id] ?? 0) >= index).length;
  return Math.max(...[0, ...held].filter((index) => holders(index) * 2 > voters.size));
}

/** By definition: won when every way to go on wins, lost when none does. */
function naiveVote(
  halves: readonly ReadonlySet<number>[],
  cast: readonly (boolean | undefined)[],
): VoteResult {
  const missing = [...new Set(halves.flatMap((half) => [...half]))]
    .filter((id) => cast[id] === undefined);
  const outcomes = Array.from({ length: 2 ** missing.length }, (_, way) => {
    const isYes = (id: number) =>
      cast[id] ?? (Math.floor(way / 2 ** missing.indexOf(id)) % 2 === 1);
    return halves.every((half) =>
      half.size === 0 || [...half].filter(isYes).length * 2 > half.size
    );
  });
  if (outcomes.every(Boolean)) return "won";
  return outcomes.some(Boolean) ? "pending" : "lost";
}

Deno.test("a majority commits the highest index that more than half of it hold", () => {
  fc.assert(fc.property(ids, indexes, (voters, held) => {
    assert.equal(
      majorityCommitted(voters, (id) => held[id] ?? 0),
      naiveCommitted(voters, held),
    );
  }));
});

Deno.test("a joint quorum commits what both halves commit", () => {
  fc.assert(fc.property(ids, ids, indexes, (incoming, outgoing, held) => {
    assert.equal(
      jointCommitted({ incoming, outgoing }, (id) => held[id] ?? 0),
      Math.min(naiveCommitted(incoming, held), naiveCommitted(outgoing, held)),
    );
  }));
});

Deno.test("a vote is decided exactly when the missing votes cannot change it", () => {
  const few = fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { maxLength: 5 })
    .map((list) => new Set(list));
  fc.assert(fc.property(few, few, votes, (incoming, outgoing, cast) => {
    const voteOf = (id: number) => cast[id];
    assert.equal(majorityVote(incoming, voteOf), naiveVote([incoming], cast));
    assert.equal(jointVote({ incoming, outgoing }, voteOf), naiveVote([incoming, outgoing], cast));
  }));
});

Deno.test("an empty half objects to nothing", () => {
  assert.equal(majorityCommitted(new Set(), () => 0), Infinity);
  assert.equal(majorityVote(new Set(), () => undefined), "won");
});
