import assert from "node:assert/strict";
import { all, openJournalSite, refusalOf } from "../../../support/journal/mod.ts";

const member = { id: 2n, raftAddress: "m2:9444", grpcAddress: "m2:9443" };

Deno.test("CLI-55: the cluster status names the cluster, its leader and its members", async () => {
  await using site = await openJournalSite();
  const ann = await site.as();
  const status = await ann.fleet.getClusterStatus({});
  assert.match(status.clusterId, /^\S{8,}$/);
  assert.equal(status.leaderId, 1n);
  assert.ok(status.term >= 1n);
  assert.ok(status.commitIndex >= status.lastApplied && status.lastApplied > 0n);
  assert.deepEqual(status.members.map(({ id, role, healthy }) => [id, role, healthy]), [
    [1n, "leader", true],
  ]);
});

Deno.test("DEP-92: an admin adds a learner, cannot promote what does not answer, and removes it", async () => {
  await using site = await openJournalSite();
  const ann = await site.as();
  const added = await ann.fleet.changeMembership({ operation: "add_learner", ...member });
  assert.deepEqual(
    added.members.map(({ id, role, raftAddress, healthy }) => [id, role, raftAddress, healthy])[1],
    [2n, "learner", "m2:9444", false],
  );
  const early = await refusalOf(ann.fleet.changeMembership({ operation: "promote", id: 2n }));
  assert.equal(early.code, "PRECONDITION");
  assert.match(early.message, /member 2 cannot be reached: start it at m2:9444/);
  const removed = await ann.fleet.changeMembership({ operation: "remove", id: 2n });
  assert.equal(removed.members.length, 1);
  const last = await refusalOf(ann.fleet.changeMembership({ operation: "force_remove", id: 1n }));
  assert.match(last.message, /the last one that votes/);
  const nobody = await refusalOf(ann.fleet.changeMembership({ operation: "transfer" }));
  assert.match(nobody.message, /nobody can take over/);
});

Deno.test("AUD-2, AUD-5: a change of the membership is on record with its author, and so are refusals", async () => {
  await using site = await openJournalSite();
  const ann = await site.as();
  const operator = await site.as("pact-ops-ml");
  const denied = await refusalOf(
    operator.fleet.changeMembership({ operation: "add_learner", ...member }),
  );
  assert.equal(denied.code, "PERMISSION_DENIED");
  await ann.fleet.changeMembership({ operation: "add_learner", ...member });
  await refusalOf(ann.fleet.changeMembership({ operation: "remove", id: 9n }));
  const records = await all(ann.fleet.queryAudit({ operationTypes: ["MemberChange"] }));
  assert.deepEqual(
    records.map(({ actor, outcome, detail }) => [actor?.principal, outcome, detail]).reverse(),
    [
      [
        "ann",
        "Failure",
        "remove member 9: there is no member 9; the members are 1, 2",
      ],
      ["ann", "Success", "asked for: remove member 9"],
      [
        "ann",
        "Success",
        "asked for: add member 2 as a learner (Raft m2:9444, API m2:9443)",
      ],
      ["of pact-ops-ml", "Denied", records[0]?.detail],
    ],
  );
});

Deno.test("API-10: what is not a change of the membership is refused by name", async () => {
  await using site = await openJournalSite();
  const ann = await site.as();
  const rows: readonly [object, RegExp][] = [
    [{ operation: "demote", id: 1n }, /operation must be add_learner, promote/],
    [{ operation: "promote" }, /member id 0 is not between/],
    [{ operation: "promote", id: 1n << 32n }, /member id 4294967296/],
    [{ operation: "add_learner", ...member, raftAddress: "m2" }, /raft_address must be HOST:PORT/],
    [{ operation: "add_learner", ...member, grpcAddress: "" }, /grpc_address must be HOST:PORT/],
  ];
  for (const [request, expected] of rows) {
    const { code, message } = await refusalOf(ann.fleet.changeMembership(request));
    assert.equal(code, "INVALID_ARGUMENT");
    assert.match(message, expected);
  }
});
