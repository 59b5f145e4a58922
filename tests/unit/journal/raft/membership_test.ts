import assert from "node:assert/strict";
import fc from "fast-check";
import {
  applyChange,
  type Configuration,
  EMPTY_CONFIGURATION,
  isJoint,
  LEAVE_JOINT,
  leaveJoint,
  type MembershipChange,
  MembershipError,
  membershipOf,
  restoreConfiguration,
  type SingleChange,
} from "../../../../journal/raft/mod.ts";
import { assertConfiguration, memberIds } from "../../../../journal/raft/membership/mod.ts";

const single: fc.Arbitrary<SingleChange> = fc.record({
  kind: fc.constantFrom("add-voter", "add-learner", "remove", "update"),
  id: fc.integer({ min: 0, max: 5 }),
});
const change: fc.Arbitrary<MembershipChange> = fc.record({
  transition: fc.constantFrom("auto", "implicit", "explicit"),
  changes: fc.array(single, { maxLength: 4 }),
  context: fc.constant(new Uint8Array(0)),
});
const changes = fc.array(change, { maxLength: 12 });

/** The configurations that changes lead through, refused ones left out. */
function walk(steps: readonly MembershipChange[]): Configuration[] {
  const first: SingleChange = { kind: "add-voter", id: 1 };
  const start = applyChange(EMPTY_CONFIGURATION, { ...LEAVE_JOINT, changes: [first] });
  const visited = [start.configuration];
  for (const step of steps) {
    try {
      visited.push(applyChange(visited.at(-1) ?? EMPTY_CONFIGURATION, step).configuration);
    } catch (error) {
      if (!(error instanceof MembershipError)) throw error;
    }
  }
  return visited;
}

/** All sets of voters that may decide alone. */
function quorums({ voters }: Configuration): Set<number>[] {
  const all = memberIds({ ...EMPTY_CONFIGURATION, voters });
  const subsets = Array.from(
    { length: 2 ** all.length },
    (_, way) => new Set(all.filter((_, at) => Math.floor(way / 2 ** at) % 2 === 1)),
  );
  return subsets.filter((subset) =>
    [voters.incoming, voters.outgoing].every((half) =>
      half.size === 0 || half.intersection(subset).size * 2 > half.size
    )
  );
}

Deno.test("every configuration that changes lead to is consistent", () => {
  fc.assert(fc.property(changes, (steps) => walk(steps).forEach(assertConfiguration)));
});

Deno.test("any quorum before a change meets any quorum after it", () => {
  fc.assert(
    fc.property(changes, (steps) => {
      const visited = walk(steps);
      for (const [at, after] of visited.entries()) {
        const before = visited[at - 1] ?? after;
        for (const one of quorums(before)) {
          for (const other of quorums(after)) {
            assert.ok(!one.isDisjointFrom(other), `${[...one]} and ${[...other]} both decide`);
          }
        }
      }
    }),
    { numRuns: 30 },
  );
});

Deno.test("a stored membership restores the configuration it was taken of", () => {
  fc.assert(fc.property(changes, (steps) => {
    for (const configuration of walk(steps)) {
      const restored = restoreConfiguration(membershipOf(configuration)).configuration;
      assert.deepEqual(membershipOf(restored), membershipOf(configuration));
    }
  }));
});

Deno.test("leaving a joint configuration keeps the incoming voters and makes learners of the rest", () => {
  fc.assert(fc.property(changes, (steps) => {
    for (const joint of walk(steps).filter(isJoint)) {
      const left = leaveJoint(joint).configuration;
      assert.deepEqual(left.voters.incoming, joint.voters.incoming);
      assert.equal(isJoint(left), false);
      assert.deepEqual(left.learners, joint.learners.union(joint.learnersNext));
    }
  }));
});

Deno.test("a member that is removed and added within one change begins anew", () => {
  const { configuration } = restoreConfiguration({
    ...membershipOf(EMPTY_CONFIGURATION),
    voters: [1, 2],
  });
  const again: SingleChange[] = [{ kind: "remove", id: 2 }, { kind: "add-voter", id: 2 }];
  const joint = applyChange(configuration, { ...LEAVE_JOINT, changes: again });
  assert.deepEqual([...joint.fresh], [], "still in the outgoing half: nothing is forgotten");
  const learner: SingleChange[] = [{ kind: "add-learner", id: 3 }];
  const added = applyChange(configuration, { ...LEAVE_JOINT, changes: learner });
  assert.deepEqual([...added.fresh], [3]);
});

Deno.test("two changes at once, or an explicit transition, go through a joint configuration", () => {
  const [start] = walk([]);
  assert.ok(start);
  const two: SingleChange[] = [{ kind: "add-voter", id: 2 }, { kind: "add-voter", id: 3 }];
  const auto = applyChange(start, { ...LEAVE_JOINT, changes: two }).configuration;
  assert.equal(isJoint(auto) && auto.autoLeave, true);
  const one = two.slice(0, 1);
  const explicit = applyChange(start, { ...LEAVE_JOINT, transition: "explicit", changes: one });
  assert.equal(isJoint(explicit.configuration) && !explicit.configuration.autoLeave, true);
  assert.throws(() => applyChange(auto, { ...LEAVE_JOINT, changes: one }), MembershipError);
});
