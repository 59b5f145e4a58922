import { create } from "@bufbuild/protobuf";
import assert from "node:assert/strict";
import { journal } from "../../../api/mod.ts";
import { ago, refuse } from "./fixtures.ts";
import { assertGolden, runScenario } from "./harness.ts";

const quorum = create(journal.ClusterStatusResponseSchema, {
  clusterId: "3f6c2a10",
  leaderId: 1n,
  term: 7n,
  commitIndex: 5000n,
  lastApplied: 4998n,
  nextSequence: 4711n,
  version: "0.1.0",
  members: [
    member(1, { role: "leader", matchIndex: 5000n, lastContact: ago(0) }),
    member(2, { role: "voter", matchIndex: 4990n, lastContact: ago(0) }),
    member(3, { role: "voter", matchIndex: 77n, healthy: false, lastContact: ago(3700) }),
    member(4, { role: "learner", matchIndex: 0n, healthy: false }),
  ],
});

function member(id: number, more: object) {
  return {
    id: BigInt(id),
    grpcAddress: `journal-${id}.mgmt:9443`,
    raftAddress: `journal-${id}.mgmt:9444`,
    healthy: true,
    ...more,
  };
}

const status = { fleet: { getClusterStatus: () => quorum } };

Deno.test("CLI-55: cluster shows leader, term, indexes and every member with its lag", () =>
  assertGolden("cluster", { args: ["cluster"], journal: status }));

Deno.test("CLI-55: cluster without a leader says so and shows what is known", () =>
  assertGolden("cluster_leaderless", {
    args: ["cluster"],
    journal: {
      fleet: {
        getClusterStatus: () => ({
          term: 8n,
          commitIndex: 10n,
          lastApplied: 10n,
          members: [member(1, { role: "voter", matchIndex: 10n }), member(2, { role: "voter" })],
        }),
      },
    },
  }));

Deno.test("CLI-55: the workload manager's quorum is shown where its address is known", () =>
  assertGolden("cluster_lattice", {
    args: ["cluster"],
    journal: {
      ...status,
      lattice: {
        getRaftStatus: () => ({
          leaderId: 2n,
          currentTerm: 3n,
          lastApplied: 9n,
          commitIndex: 9n,
          members: [{ nodeId: 2n, address: "sched-2:9000", role: "leader", matchIndex: 9n }],
        }),
      },
    },
  }));

Deno.test("CLI-55: a workload manager that does not answer is no failure of the journal", () =>
  assertGolden("cluster_lattice_away", {
    args: ["cluster"],
    journal: {
      ...status,
      lattice: { getRaftStatus: refuse("UNAVAILABLE", "the scheduler is shutting down") },
    },
  }));

/** Takes a change and shows the members after it. */
function changing(expected: object) {
  return {
    fleet: {
      changeMembership: (request: journal.ChangeMembershipRequest) => {
        const { operation, id, raftAddress, grpcAddress } = request;
        assert.deepEqual({ operation, id, raftAddress, grpcAddress }, expected);
        return quorum;
      },
    },
  };
}

const nowhere = { raftAddress: "", grpcAddress: "" };

Deno.test("DEP-92: cluster add-learner tells the addresses of the new member", () =>
  assertGolden("cluster_add_learner", {
    args: ["cluster", "add-learner", "4", "journal-4.mgmt:9444", "journal-4.mgmt:9443", "--yes"],
    journal: changing({
      operation: "add_learner",
      id: 4n,
      raftAddress: "journal-4.mgmt:9444",
      grpcAddress: "journal-4.mgmt:9443",
    }),
  }));

Deno.test("DEP-92: cluster promote-member, remove-member and transfer ask for what they are named", async () => {
  const asked: readonly [string[], string, bigint][] = [
    [["promote-member", "4"], "promote", 4n],
    [["remove-member", "3"], "remove", 3n],
    [["remove-member", "3", "--force"], "force_remove", 3n],
    [["transfer", "2"], "transfer", 2n],
    [["transfer"], "transfer", 0n],
  ];
  for (const [args, operation, id] of asked) {
    const { code, stderr } = await runScenario({
      args: ["cluster", ...args, "-y"],
      journal: changing({ operation, id, ...nowhere }),
    });
    assert.equal(code, 0, stderr);
  }
});

Deno.test("DEP-92: a learner that is behind is not promoted, and the journal's reason is shown", () =>
  assertGolden("cluster_promote_behind", {
    args: ["cluster", "promote-member", "4", "--yes"],
    journal: {
      fleet: {
        changeMembership: refuse(
          "PRECONDITION",
          "member 4 is 4900 entries behind (100 of 5000): promote it when it has caught up",
        ),
      },
    },
  }));

Deno.test("cli.md section 11: a change of the quorum wants to be confirmed", async () => {
  const args = ["cluster", "remove-member", "3"];
  await assertGolden("cluster_unconfirmed", { args, journal: {} });
  const confirmed = await runScenario({
    args,
    terminal: true,
    stdin: "y\n",
    journal: changing({ operation: "remove", id: 3n, ...nowhere }),
  });
  assert.equal(confirmed.code, 0);
  assert.match(confirmed.stderr, /Remove member 3 from the quorum\? \[y\/N\] /);
  const declined = await runScenario({ args, terminal: true, stdin: "\n", journal: {} });
  assert.equal(declined.code, 1);
  assert.match(declined.stderr, /nothing was changed/);
  assert.deepEqual(declined.journalCalls, []);
});
