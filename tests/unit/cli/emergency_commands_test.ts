import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { config, journal } from "../../../api/mod.ts";
import { ago, driftedNode, enrolled, node, refuse } from "./fixtures.ts";
import { assertGolden, runScenario } from "./harness.ts";

const OWN = create(journal.EmergencySessionSchema, {
  id: "em-41",
  scope: { scope: { case: "vclusterId", value: "ml" } },
  principal: "alice@example.org",
  reason: "runaway jobs",
  startedAt: ago(600),
  expiresAt: ago(600 - 14_400),
});
const OTHERS = create(journal.EmergencySessionSchema, {
  id: "em-38",
  scope: { scope: { case: "nodeId", value: "node-1" } },
  principal: "bob@example.org",
  reason: "pump failed",
  startedAt: ago(20_000),
  expiresAt: ago(5_600),
  stale: true,
});
const ENDED = { ...OTHERS, id: "em-12", stale: false, endedAt: ago(4_000), endedBy: "carol" };

/** A journal with these emergencies and nodes, which takes the entry that is expected. */
function journalTaking(
  expected: { readonly type: config.EntryType; readonly reason?: string; readonly force?: boolean },
  { sessions = [OWN], nodes = [node()] } = {},
) {
  return {
    config: {
      appendEntry: (
        { entry, force }: { entry?: config.ConfigEntry | undefined; force: boolean },
      ) => {
        assert.equal(entry?.entryType, expected.type);
        assert.equal(entry.emergencyReason, expected.reason);
        assert.equal(force, expected.force ?? false);
        return { sequence: 41n };
      },
    },
    fleet: { listEmergencies: () => ({ sessions }), listNodeStates: () => ({ nodes }) },
  };
}

const { EMERGENCY_START, EMERGENCY_END } = config.EntryType;

Deno.test("CLI-100: emergency start says what holds from now on", () =>
  assertGolden("emergency_start", {
    args: ["emergency", "start", "-r", "runaway jobs", "--vcluster", "ml"],
    journal: journalTaking({ type: EMERGENCY_START, reason: "runaway jobs" }),
  }));

Deno.test("CLI-100: the spelling --start works as well", async () => {
  const { code, stdout, stderr } = await runScenario({
    args: ["emergency", "--start", "-r", "pump failed", "--node", "node-1"],
    journal: journalTaking({ type: EMERGENCY_START, reason: "pump failed" }, {
      sessions: [OTHERS],
    }),
  });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^Emergency mode ACTIVE on node:node-1 \(seq:41\)\n/);
});

Deno.test("CLI-100: a blank reason opens no emergency", () =>
  assertGolden("emergency_start_blank", {
    args: ["emergency", "start", "-r", " ", "--node", "node-1"],
    journal: {},
  }));

Deno.test("CLI-100, A2: a second emergency on a scope names the first", () =>
  assertGolden("emergency_start_again", {
    args: ["emergency", "start", "-r", "me too", "--node", "node-1"],
    journal: { config: { appendEntry: refuse("EMERGENCY_ACTIVE", "EMERGENCY_ACTIVE: em-38") } },
  }));

Deno.test("CLI-101: emergency end says that the commit window is as it was", () =>
  assertGolden("emergency_end", {
    args: ["emergency", "end", "--vcluster", "ml"],
    journal: journalTaking({ type: EMERGENCY_END }),
  }));

Deno.test("CLI-101: somebody else's emergency is ended by force only", async () => {
  const args = ["emergency", "end", "--node", "node-1"];
  await assertGolden("emergency_end_others", {
    args,
    journal: journalTaking({ type: EMERGENCY_END }, { sessions: [OTHERS] }),
  });
  const forced = await runScenario({
    args: [...args, "--force"],
    journal: journalTaking({ type: EMERGENCY_END, force: true }, { sessions: [OTHERS] }),
  });
  assert.equal(forced.code, 0, forced.stderr);
});

Deno.test("CLI-101: what is neither committed nor rolled back is decided on before the end", async () => {
  const scenario = {
    args: ["emergency", "end", "--vcluster", "ml"],
    journal: journalTaking({ type: EMERGENCY_END }, { nodes: [node(), driftedNode] }),
  };
  await assertGolden("emergency_end_drift", scenario);
  const kept = await runScenario({ ...scenario, args: [...scenario.args, "--yes"] });
  assert.equal(kept.code, 0, kept.stderr);
});

Deno.test("EMM-6: with --commit or --rollback the node's changes are decided on before the end", async () => {
  const journal = {
    ...journalTaking({ type: EMERGENCY_END }, { sessions: [], nodes: [driftedNode] }),
    enrollment: enrolled,
  };
  const args = ["emergency", "end", "--node", "node-1"];
  await assertGolden("emergency_end_commit", {
    args: [...args, "--commit", "-m", "Keep the workaround"],
    journal,
    agents: {
      "node-1": {
        localCommit: ({ message }) => {
          assert.equal(message, "Keep the workaround");
          return { sequence: 40n };
        },
      },
    },
  });
  const rolledBack = await runScenario({
    args: [...args, "--rollback", "38"],
    journal,
    agents: {
      "node-1": {
        localRollback: ({ targetSequence }) => {
          assert.equal(targetSequence, 38n);
          return { sequence: 40n, entriesReverted: 1 };
        },
      },
    },
  });
  assert.equal(rolledBack.code, 0, rolledBack.stderr);
  const blocked = await runScenario({
    args: [...args, "--rollback", "38"],
    journal,
    agents: { "node-1": { localRollback: () => ({ blockedBy: ["/scratch: pid 7 (sh) by ann"] }) } },
  });
  assert.equal(blocked.code, 10);
  const ends = (calls: typeof blocked.journalCalls) =>
    calls.filter(({ method }) => /append/i.test(method)).length;
  assert.deepEqual([ends(rolledBack.journalCalls), ends(blocked.journalCalls)], [1, 0]);
});

Deno.test("CLI-101: a decision about changes is one, has a message, and names its node", async () => {
  const refused: readonly [string[], RegExp][] = [
    [["--node", "node-1", "--commit"], /the message is blank/],
    [["--node", "node-1", "-m", "x"], /-m is the message of --commit/],
    [["--node", "node-1", "--commit", "-m", "x", "--rollback", "3"], /only one of them/],
    [["--vcluster", "ml", "--rollback", "3"], /node by node/],
  ];
  for (const [options, reason] of refused) {
    const { code, stderr } = await runScenario({
      args: ["emergency", "end", ...options],
      journal: {},
    });
    assert.equal(code, 1);
    assert.match(stderr, reason);
  }
});

Deno.test("EMG-4: emergency list shows who opened what and why, and what is long over", () =>
  assertGolden("emergency_list", {
    args: ["emergency", "list"],
    journal: { fleet: { listEmergencies: () => ({ sessions: [OTHERS, OWN] }) } },
  }));

Deno.test("EMG-1: emergency list --all shows those that ended too", () =>
  assertGolden("emergency_list_all", {
    args: ["emergency", "list", "--all"],
    journal: {
      fleet: {
        listEmergencies: ({ includeClosed }) => {
          assert.equal(includeClosed, true);
          return { sessions: [ENDED] };
        },
      },
    },
  }));

/** An agent in an emergency that is asked for this. */
function agentAsked(service: string, operation: string) {
  return {
    "node-1": {
      serviceControl: (request: { service: string; operation: string }) => {
        assert.deepEqual([request.service, request.operation], [service, operation]);
        return { message: `${operation} done under emergency em-41` };
      },
    },
  };
}

for (const operation of ["freeze", "thaw", "kill"]) {
  Deno.test(`ISO-8: emergency ${operation} reaches all workload of the node`, () =>
    assertGolden(`emergency_${operation}`, {
      args: ["emergency", operation, "node-1", "--yes"],
      journal: { enrollment: enrolled },
      agents: agentAsked("workload.slice", operation),
    }));
}

Deno.test("WLI-7: emergency unmount takes an image from under its users", () =>
  assertGolden("emergency_unmount", {
    args: ["emergency", "unmount", "node-1", "tools.sqfs", "--yes"],
    journal: { enrollment: enrolled },
    agents: agentAsked("uenv:tools.sqfs", "force_unmount"),
  }));

Deno.test("EMM-5: what an emergency allows wants to be confirmed", async () => {
  const args = ["emergency", "kill", "node-1"];
  const around = { journal: { enrollment: enrolled } };
  await assertGolden("emergency_kill_unconfirmed", { args, ...around, agents: { "node-1": {} } });
  const confirmed = await runScenario({
    args,
    ...around,
    terminal: true,
    stdin: "y\n",
    agents: agentAsked("workload.slice", "kill"),
  });
  assert.equal(confirmed.code, 0, confirmed.stderr);
  assert.match(confirmed.stderr, /Kill all workload of node-1\? .* \[y\/N\] /);
  const declined = await runScenario({
    args,
    ...around,
    terminal: true,
    stdin: "n\n",
    agents: { "node-1": {} },
  });
  assert.equal(declined.code, 1);
  assert.deepEqual(declined.agentCalls["node-1"], []);
});

Deno.test("ISO-8: without an open emergency the agent's refusal is shown, with exit code 2", () =>
  assertGolden("emergency_freeze_refused", {
    args: ["emergency", "freeze", "node-1", "--yes"],
    journal: { enrollment: enrolled },
    agents: {
      "node-1": {
        serviceControl: refuse(
          "PERMISSION_DENIED",
          "PERMISSION_DENIED: emergency mode required for workload.slice",
        ),
      },
    },
  }));

const ALONE = ["--node", "node-1"];
const expiresAt = ago(-14_400);

Deno.test("EMM-8: without a journal the node is asked for an emergency of its own, and people are told what that is", () =>
  assertGolden("emergency_start_alone", {
    args: ["emergency", "start", "-r", "pump failed", ...ALONE],
    agents: {
      "node-1": {
        emergencyControl: ({ operation, reason }) => {
          assert.deepEqual([operation, reason], ["start", "pump failed"]);
          return { sessionId: "em-local-0123abcd", expiresAt };
        },
      },
    },
  }));

Deno.test("EMM-8: in JSON what the journal has not heard of has no sequence", async () => {
  const { code, stdout } = await runScenario({
    args: ["emergency", "start", "-r", "pump failed", ...ALONE, "--output", "json"],
    agents: {
      "node-1": { emergencyControl: () => ({ sessionId: "em-local-0123abcd", expiresAt }) },
    },
  });
  assert.equal(code, 0);
  const { sequence, scope, session_id } = JSON.parse(stdout);
  assert.deepEqual([sequence, scope, session_id], [null, "node:node-1", "em-local-0123abcd"]);
});

Deno.test("EMM-8: a journal that cannot write is as good as none", async () => {
  const { code, stdout, stderr } = await runScenario({
    args: ["emergency", "start", "-r", "pump failed", ...ALONE],
    journal: { config: { appendEntry: refuse("NO_QUORUM", "no quorum") } },
    agents: {
      "node-1": { emergencyControl: () => ({ sessionId: "em-local-0123abcd", expiresAt }) },
    },
  });
  assert.equal(code, 0, stderr);
  assert.match(stdout, /Opened on the node alone/);
});

Deno.test("EMM-2: a node with a journal opens none of its own, and people are told where to go", () =>
  assertGolden("emergency_start_not_alone", {
    args: ["emergency", "start", "-r", "pump failed", ...ALONE],
    agents: { "node-1": { emergencyControl: refuse("PRECONDITION", "use the journal") } },
  }));

Deno.test("EMM-8: what the journal refuses no node is asked for", async () => {
  const { code, agentCalls } = await runScenario({
    args: ["emergency", "start", "-r", "pump failed", ...ALONE],
    journal: { config: { appendEntry: refuse("PERMISSION_DENIED", "not you") } },
    agents: { "node-1": { emergencyControl: () => ({ sessionId: "em-local-0123abcd" }) } },
  });
  assert.equal(code, 2);
  assert.deepEqual(agentCalls["node-1"], []);
});

Deno.test("EMM-8, EMM-6: without a journal the node ends its emergency, after the same decision about its changes", async () => {
  const args = ["emergency", "end", ...ALONE];
  const { getStatus, emergencyControl } = {
    getStatus: () => driftedNode,
    emergencyControl: ({ operation, force }: { operation: string; force: boolean }) => {
      assert.deepEqual([operation, force], ["end", false]);
      return { sessionId: "em-41" };
    },
  };
  const agents = { "node-1": { getStatus, emergencyControl } };
  const undecided = await runScenario({ args, agents });
  assert.equal(undecided.code, 1);
  assert.match(undecided.stderr, /Changes on node-1 are neither committed nor rolled back/);
  await assertGolden("emergency_end_alone", { args: [...args, "--yes"], agents });
});

Deno.test("CLI-101, EMM-8: somebody else's emergency on a node that is alone takes force as well", async () => {
  const { code, stderr } = await runScenario({
    args: ["emergency", "end", ...ALONE],
    agents: {
      "node-1": {
        getStatus: () => node(),
        emergencyControl: refuse(
          "PERMISSION_DENIED",
          "emergency session belongs to bob@example.org; end it with force",
        ),
      },
    },
  });
  assert.equal(code, 4, stderr);
  assert.match(stderr, /the emergency on node:node-1 was opened by bob@example\.org/);
});

Deno.test("EMM-8: without a journal an emergency of a vCluster is none that a node could open", async () => {
  const { code, stderr } = await runScenario({
    args: ["emergency", "start", "-r", "everywhere", "--vcluster", "ml"],
  });
  assert.equal(code, 5);
  assert.match(stderr, /with --node NODE the node itself opens or ends an emergency of its own/);
});
