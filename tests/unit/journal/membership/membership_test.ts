import assert from "node:assert/strict";
import fc from "fast-check";
import { PactError } from "../../../../common/errors/mod.ts";
import {
  judge,
  type MemberChange,
  MEMBERS_MAX,
  PROMOTE_MAX_LAG,
} from "../../../../journal/membership/mod.ts";
import type { NodeId } from "../../../../journal/raft/mod.ts";
import { FakeQuorum } from "./fake_quorum.ts";

const add = (id: NodeId): MemberChange => ({
  operation: "add_learner",
  id,
  raft: `m${id}:9444`,
  api: `m${id}:9443`,
});
const promote = (id: NodeId): MemberChange => ({ operation: "promote", id });
const remove = (id: NodeId, force = false): MemberChange => ({ operation: "remove", id, force });
const transfer = (id?: NodeId): MemberChange => ({ operation: "transfer", id });

async function refusal(promise: Promise<unknown>): Promise<PactError> {
  const error = await promise.then(() => undefined, (reason: unknown) => reason);
  assert.ok(error instanceof PactError, `not refused: ${String(error)}`);
  return error;
}

Deno.test("DEP-92: a dead member of three is replaced: add a learner, promote it, remove the dead one", async () => {
  using quorum = new FakeQuorum();
  quorum.down.add(3);
  const admin = quorum.at(1);
  await admin.change(add(4));
  assert.deepEqual(quorum.membership.learners, [4]);
  assert.equal(quorum.addresses.get(4)?.raft, "m4:9444");
  await admin.change(promote(4));
  await admin.change(remove(3));
  assert.deepEqual(quorum.membership.voters, [1, 2, 4]);
  assert.deepEqual(
    admin.view().members.map(({ id, role, isReachable }) => [id, role, isReachable]),
    [
      [1, "leader", true],
      [2, "voter", true],
      [4, "voter", true],
    ],
  );
});

Deno.test("JRN-58: a change asked for at any member is made at the leader, and its refusal comes back", async () => {
  using quorum = new FakeQuorum();
  quorum.at(1);
  const follower = quorum.at(2);
  await follower.change(add(4));
  assert.deepEqual(quorum.membership.learners, [4]);
  const { code, message } = await refusal(follower.change(remove(9)));
  assert.equal(code, "NOT_FOUND");
  assert.equal(message, "there is no member 9; the members are 1, 2, 3, 4");
  quorum.leader = undefined;
  assert.equal((await refusal(follower.change(remove(4)))).code, "NO_LEADER");
});

Deno.test("what is so already is no error, so every change can be tried again", async () => {
  using quorum = new FakeQuorum();
  const admin = quorum.at(1);
  await admin.change(add(4));
  await admin.change(add(4));
  await admin.change(promote(4));
  await admin.change(promote(4));
  await admin.change(transfer(1));
  assert.equal(quorum.proposed.length, 2);
  const moved = await refusal(admin.change({ ...add(4), raft: "elsewhere:9444" } as MemberChange));
  assert.match(moved.message, /member 4 exists, at m4:9444 \(Raft\)/);
  const taken = await refusal(admin.change({ ...add(5), raft: "m2:9444" } as MemberChange));
  assert.equal(taken.message, "member 2 has the address m2:9444 already");
});

Deno.test("a learner is promoted when it has caught up; before, the error tells how far it is behind", async () => {
  using quorum = new FakeQuorum();
  const admin = quorum.at(1);
  await admin.change(add(4));
  quorum.match.set(4, 100);
  const behind = await refusal(admin.change(promote(4)));
  assert.equal(behind.code, "PRECONDITION");
  assert.match(behind.message, /member 4 is 4900 entries behind \(100 of 5000\)/);
  quorum.match.set(4, quorum.commit - Number(PROMOTE_MAX_LAG));
  quorum.down.add(4);
  assert.match((await refusal(admin.change(promote(4)))).message, /cannot be reached: start it/);
  quorum.down.delete(4);
  await admin.change(promote(4));
  assert.deepEqual(quorum.membership.voters, [1, 2, 3, 4]);
});

Deno.test("a removal that leaves no majority within reach wants to be forced; the last voter is never removed", async () => {
  using quorum = new FakeQuorum();
  quorum.down.add(3);
  const admin = quorum.at(1);
  const { code, message } = await refusal(admin.change(remove(2)));
  assert.equal(code, "PRECONDITION");
  assert.match(message, /2 voters, 1 of them can be reached and 2 are needed/);
  await admin.change(remove(2, true));
  assert.deepEqual(quorum.membership.voters, [1, 3]);

  using alone = new FakeQuorum([1]);
  assert.match(
    (await refusal(alone.at(1).change(remove(1, true)))).message,
    /the last one that votes/,
  );
});

Deno.test("removing the leader hands leadership over first, and the new leader removes it", async () => {
  using quorum = new FakeQuorum();
  quorum.match.set(2, 4_000);
  for (const id of [1, 2, 3]) quorum.at(id);
  await quorum.at(2).change(remove(1));
  assert.equal(quorum.leader, 3, "the one that is furthest");
  assert.deepEqual(quorum.membership.voters, [2, 3]);
});

Deno.test("leadership goes to whom the admin says, or to the voter that is furthest", async () => {
  using quorum = new FakeQuorum();
  for (const id of [1, 2, 3]) quorum.at(id);
  await quorum.at(1).change(add(4));
  assert.match((await refusal(quorum.at(1).change(transfer(4)))).message, /a learner: promote it/);
  await quorum.at(1).change(transfer(2));
  assert.equal(quorum.leader, 2);
  quorum.match.set(1, 10);
  await quorum.at(1).change(transfer());
  assert.equal(quorum.leader, 3);
  quorum.down.add(1);
  assert.match(
    (await refusal(quorum.at(3).change(transfer(1)))).message,
    /member 1 cannot be reached/,
  );
  quorum.canTransfer = false;
  const stuck = await refusal(quorum.at(3).change(transfer(2)));
  assert.equal(stuck.code, "PRECONDITION");
  assert.match(stuck.message, /member 2 did not take over within 5 s; member 3 leads on/);
});

Deno.test("one change of the membership at a time; without a majority it ends with NO_QUORUM", async () => {
  using quorum = new FakeQuorum();
  quorum.down.add(2).add(3);
  const admin = quorum.at(1);
  const first = refusal(admin.change(add(4)));
  const second = await refusal(admin.change(add(5)));
  assert.equal(second.code, "CONFLICT");
  const { code, message } = await first;
  assert.equal(code, "NO_QUORUM");
  assert.match(message, /it may still be: look at the members/);
  quorum.down.clear();
  await admin.change(add(4));
  const joint = { ...quorum.membership, votersOutgoing: [1, 2] };
  quorum.membership = joint;
  assert.equal((await refusal(admin.change(add(5)))).code, "CONFLICT");
});

Deno.test("CLI-55: any member shows the quorum as the leader sees it, or as itself does without one", async () => {
  using quorum = new FakeQuorum();
  quorum.down.add(3);
  quorum.match.set(2, 4_990).set(3, 77);
  quorum.at(1);
  const own = quorum.at(2).view();
  assert.deepEqual(own.members.map(({ matchIndex }) => matchIndex), [undefined, 5_000n, undefined]);
  const seen = await quorum.at(2).leaderView();
  assert.deepEqual(
    seen.members.map(({ id, matchIndex, isReachable, isSelf }) => [
      id,
      matchIndex,
      isReachable,
      isSelf,
    ]),
    [[1, 5_000n, true, false], [2, 4_990n, true, true], [3, 77n, false, false]],
  );
  assert.equal(seen.clusterId, "c-1");
  assert.equal(seen.leaderId, 1);
  quorum.leader = undefined;
  const leaderless = await quorum.at(2).leaderView();
  assert.equal(leaderless.leaderId, undefined);
  assert.deepEqual(leaderless.members.map(({ role }) => role), ["voter", "voter", "voter"]);
});

Deno.test("when the journal closes, a change under way ends and says so", async () => {
  using quorum = new FakeQuorum();
  quorum.down.add(2).add(3);
  const admin = quorum.at(1);
  const waiting = refusal(admin.change(add(4)));
  admin.close();
  assert.equal((await waiting).code, "SHUTTING_DOWN");
});

Deno.test("no order of unforced changes and failures ever leaves fewer voters within reach than are needed", () => {
  const id = fc.integer({ min: 1, max: 6 });
  const step = fc.oneof(
    id.map(add),
    id.map(promote),
    id.map((member) => remove(member)),
    fc.record({ down: id }),
    fc.record({ up: id }),
  );
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
    const voters = new Set([1, 2, 3]);
    const learners = new Set<NodeId>();
    const down = new Set<NodeId>();
    const majority = () => [...voters].filter((each) => !down.has(each)).length * 2 > voters.size;
    for (const each of steps) {
      if ("up" in each) down.delete(each.up);
      if ("down" in each) {
        down.add(each.down);
        // A failure may take the majority; a change may not.
        if (!majority()) down.delete(each.down);
      }
      if (!("operation" in each)) continue;
      const leaderId = [...voters].find((member) => !down.has(member));
      const view = {
        clusterId: "c",
        leaderId,
        term: 1n,
        commitIndex: 10n,
        appliedIndex: 10n,
        isChanging: false,
        members: [...voters, ...learners].map((member) => ({
          id: member,
          raft: `m${member}:9444`,
          api: `m${member}:9443`,
          role: member === leaderId
            ? "leader" as const
            : voters.has(member)
            ? "voter" as const
            : "learner" as const,
          matchIndex: 10n,
          isReachable: !down.has(member),
          lastContactMs: undefined,
          isSelf: member === leaderId,
        })),
      };
      try {
        const verdict = judge(view, each);
        if (verdict.kind === "nothing" || each.operation === "transfer") continue;
        if (each.operation === "add_learner") learners.add(each.id);
        else learners.delete(each.id);
        if (each.operation === "promote") voters.add(each.id);
        if (each.operation === "remove") voters.delete(each.id);
      } catch (error) {
        assert.ok(error instanceof PactError);
      }
      assert.ok(majority(), JSON.stringify(each));
      assert.ok(voters.size + learners.size <= MEMBERS_MAX);
    }
  }));
});
