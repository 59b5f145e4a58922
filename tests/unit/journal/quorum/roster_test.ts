import assert from "node:assert/strict";
import { FORMATS, NEWEST_FORMAT } from "../../../../journal/log/mod.ts";
import { Roster } from "../../../../journal/quorum/mod.ts";
import type { Membership } from "../../../../journal/raft/mod.ts";

/** The form of records in which member 1 proposes, by what the others say they read. */
function proposedIn(
  membership: Partial<Membership>,
  said: Readonly<Record<number, number | undefined>>,
): number {
  const all = { voters: [], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };
  const roster = new Roster(1, { ...all, ...membership }, []);
  roster.follow({ setMembers: () => {}, recordFormatOf: (peer) => said[peer] });
  return roster.recordFormat;
}

Deno.test("DEP-91: records have a newer form once every member is there and says that it reads it", () => {
  const all = { 2: NEWEST_FORMAT, 3: NEWEST_FORMAT };
  assert.equal(proposedIn({ voters: [1, 2, 3] }, all), NEWEST_FORMAT);
  assert.equal(proposedIn({ voters: [1, 2], learners: [3] }, all), NEWEST_FORMAT);
  assert.equal(proposedIn({ voters: [1] }, {}), NEWEST_FORMAT);
  assert.equal(proposedIn({ voters: [1, 2] }, { 2: NEWEST_FORMAT + 1 }), NEWEST_FORMAT);
});

Deno.test("DEP-91: while one is of a former version, or away and may come back in one, they have the first form", () => {
  const without = { 2: NEWEST_FORMAT, 3: undefined };
  assert.equal(proposedIn({ voters: [1, 2, 3] }, without), FORMATS.named);
  assert.equal(proposedIn({ voters: [1, 2], learners: [3] }, without), FORMATS.named);
  assert.equal(proposedIn({ voters: [1, 2], votersOutgoing: [1, 3] }, without), FORMATS.named);
  assert.equal(proposedIn({ voters: [1, 2] }, { 2: FORMATS.named }), FORMATS.named);
  assert.equal(proposedIn({}, { 2: NEWEST_FORMAT }), FORMATS.named);
});
