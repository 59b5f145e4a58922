import assert from "node:assert/strict";
import { Code, ConnectError } from "@connectrpc/connect";
import { config, type enrollment } from "../../../api/mod.ts";
import { PolicySettingsSchema } from "../../../common/model/mod.ts";
import { deltaToWire, settingsToWire } from "../../../common/wire/mod.ts";
import type { JournalScript } from "../../support/mod.ts";
import { enrolled, entry, nodeDelta, refuse } from "./fixtures.ts";
import { assertGolden, type Outcome, runScenario, type Scenario } from "./harness.ts";

const pendingTrailers = {
  "x-pact-approval-id": "ap-1a2b3c4d",
  "x-pact-approval-expires": "2026-11-20T12:30:00Z",
};

Deno.test("CLI-61: commit on a node goes through its agent", () =>
  assertGolden("commit_node", {
    args: ["commit", "-m", "Keep it", "--node", "node-1", "--ttl", "2h"],
    journal: { enrollment: enrolled },
    agents: {
      "node-1": {
        localCommit({ message, ttlSeconds }) {
          assert.deepEqual([message, ttlSeconds], ["Keep it", 7200]);
          const delta = nodeDelta().stateDelta;
          return { sequence: 44n, policyRef: "rbac:allow", ...(delta && { delta }) };
        },
      },
    },
  }));

Deno.test("CLI-60: commit without a vCluster uses 'default' and says so", () =>
  assertGolden("commit_default_vcluster", {
    args: ["commit", "-m", "Nothing special"],
    journal: {
      config: {
        appendEntry({ entry }) {
          assert.equal(entry?.scope?.scope.value, "default");
          assert.equal(entry?.message, "Nothing special");
          assert.equal(entry?.author, undefined, "CLI-21: no identity is invented");
          return { sequence: 7n, policyRef: "rbac:allow" };
        },
      },
    },
  }));

Deno.test("CLI-60: a TTL out of bounds exits 8 before anything is sent", () =>
  assertGolden("commit_ttl", { args: ["commit", "-m", "x", "--ttl", "5m"], journal: {} }));

Deno.test("CLI-60: a blank message is refused", () =>
  assertGolden("commit_blank", { args: ["commit", "-m", "  "], journal: {} }));

const needsApproval = {
  config: {
    appendEntry: refuse(
      "APPROVAL_REQUIRED",
      "APPROVAL_REQUIRED: a second person must approve",
      pendingTrailers,
    ),
  },
};

Deno.test("CLI-62: a pending approval exits 15 without a terminal", () =>
  assertGolden("commit_pending", {
    args: ["commit", "-m", "x", "--vcluster", "ml"],
    journal: needsApproval,
  }));

function approvals(status: string) {
  return {
    listPendingApprovals: () => ({
      approvals: [{
        approvalId: "ap-1a2b3c4d",
        status,
        executedSequence: 51n,
        reason: "too risky",
      }],
    }),
  };
}

Deno.test("CLI-62: an approval that comes while waiting gives the result of the commit", () =>
  assertGolden("commit_approved", {
    args: ["commit", "-m", "x", "--vcluster", "ml", "--no-color"],
    journal: { ...needsApproval, policy: approvals("Approved") },
    terminal: true,
  }));

Deno.test("CLI-62: an approval that is rejected while waiting exits 16", () =>
  assertGolden("commit_rejected", {
    args: ["commit", "-m", "x", "--vcluster", "ml", "--no-color"],
    journal: { ...needsApproval, policy: approvals("Rejected") },
    terminal: true,
  }));

/** A log in which #41 and #44 changed vCluster ml and #40 is the target. */
function logOf(...sequences: bigint[]): Pick<Required<Scenario>, "journal"> {
  const entries = sequences.map((sequence) => entry({ sequence }));
  return {
    journal: {
      config: {
        getEntry: ({ sequence }) => entry({ sequence }),
        async *listEntries({ fromSequence, descending, limit }) {
          const found = entries.filter(({ sequence }) => sequence >= (fromSequence ?? 0n));
          yield* (descending ? found.toReversed() : found).slice(0, limit);
        },
        appendEntry({ entry }) {
          assert.equal(entry?.entryType, config.EntryType.ROLLBACK);
          assert.equal(entry?.parent, 40n);
          return { sequence: 45n };
        },
      },
    },
  };
}

Deno.test("CLI-63: rollback of a vCluster says what it reverted", () =>
  assertGolden("rollback", { args: ["rollback", "40"], ...logOf(40n, 41n, 44n) }));

Deno.test("CLI-63: rollback --dry-run lists what it would revert", () =>
  assertGolden("rollback_dry_run", { args: ["rollback", "40", "--dry-run"], ...logOf(40n, 41n) }));

Deno.test("CLI-63: rollback to the newest entry, or beyond, is refused", async () => {
  await assertGolden("rollback_newest", { args: ["rollback", "44"], ...logOf(40n, 44n) });
  await assertGolden("rollback_beyond", { args: ["rollback", "99"], ...logOf(40n, 44n) });
});

Deno.test("CLI-63: a node's rollback that consumers block exits 10 and lists them", () =>
  assertGolden("rollback_blocked", {
    args: ["rollback", "40", "--node", "node-1"],
    journal: { ...logOf(40n, 44n).journal, enrollment: enrolled },
    agents: { "node-1": { localRollback: () => ({ blockedBy: ["/scratch: pid 812 (slurmd)"] }) } },
  }));

Deno.test("CLI-63: a node's rollback goes through its agent", () =>
  assertGolden("rollback_node", {
    args: ["rollback", "40", "--node", "node-1"],
    journal: { ...logOf(40n, 44n).journal, enrollment: enrolled },
    agents: { "node-1": { localRollback: () => ({ sequence: 46n, entriesReverted: 1 }) } },
  }));

Deno.test("RBK-1, CLI-63: a node that has committed nothing is rolled back to what its vCluster declares", async () => {
  const journal = { ...logOf(40n).journal, enrollment: enrolled };
  await assertGolden("rollback_drift", {
    args: ["rollback", "40", "--node", "node-1"],
    journal,
    agents: { "node-1": { localRollback: () => ({ sequence: 46n, entriesReverted: 0 }) } },
  });
  await assertGolden("rollback_drift_dry_run", {
    args: ["rollback", "40", "--node", "node-1", "--dry-run"],
    journal,
  });
});

Deno.test("CLI-65: extend says how long the window is open now", () =>
  assertGolden("extend", {
    args: ["extend", "30", "--node", "node-1"],
    journal: { enrollment: enrolled },
    agents: {
      "node-1": { extendCommitWindow: () => ({ success: true, newDeadlineSeconds: 2400 }) },
    },
  }));

Deno.test("CLI-65: extend without a window exits 4 with the agent's text", () =>
  assertGolden("extend_none", {
    args: ["extend", "--node", "node-1"],
    journal: { enrollment: enrolled },
    agents: {
      "node-1": {
        extendCommitWindow: () => ({ success: false, error: "no active commit window" }),
      },
    },
  }));

Deno.test("issue 4 demand 4: agent upgrade waits until the next version answers", () => {
  let refusals = 0;
  return assertGolden("agent_upgrade", {
    args: ["agent", "upgrade", "node-1", "--program", "/run/pact/next/pact-agent"],
    journal: { enrollment: enrolled },
    agents: {
      "node-1": {
        serviceControl: ({ service, operation }) => {
          assert.deepEqual([service, operation], [
            "pact-agent:/run/pact/next/pact-agent",
            "upgrade",
          ]);
          refusals = 4;
          return { message: "/run/pact/next/pact-agent" };
        },
        getStatus: () => {
          if (refusals-- > 0) throw new ConnectError("starting", Code.Unavailable);
          return {};
        },
      },
    },
  });
});

Deno.test("issue 4 demand 4: an agent that pact-init did not start is not upgraded", () =>
  assertGolden("agent_upgrade_refused", {
    args: ["agent", "upgrade", "node-1"],
    journal: { enrollment: enrolled },
    agents: {
      "node-1": {
        serviceControl: refuse("PRECONDITION", "not started by pact-init"),
      },
    },
  }));

const conflict = {
  nodeId: "node-2",
  category: "kernel",
  key: "vm.swappiness",
  promotedValue: "60",
  localValue: "30",
  author: "bob@example.org",
};

/** A kernel value, a whole service, and a GPU state, which no spec can say. */
function promotedDelta() {
  return deltaToWire({
    kernel: [{ action: "Modify", key: "vm.swappiness", value: "60", previous: "10" }],
    services: [{
      action: "Modify",
      key: "web",
      value: {
        name: "web",
        binary: "/bin/web",
        restart: "OnFailure",
        health_check: { type: "Http", url: "http://localhost/health" },
      },
    }],
    gpu: [{ action: "Modify", key: "3", value: "degraded" }],
  });
}

function promotion(conflicts: (typeof conflict)[]): Pick<Required<Scenario>, "journal"> {
  const delta = promotedDelta();
  return {
    journal: {
      fleet: {
        listDeltas: () => ({ deltas: [nodeDelta()] }),
        promote({ dryRun, decisions }) {
          if (dryRun) return { vclusterId: "ml", delta, conflicts };
          assert.equal(decisions.length, conflicts.length);
          return { vclusterId: "ml", delta, sequence: 52n, overlayVersion: 5n };
        },
      },
    },
  };
}

Deno.test("CLI-80: promote prints a spec for the vCluster", () =>
  assertGolden("promote", { args: ["promote", "node-1"], ...promotion([]) }));

Deno.test("CLI-80: what promote prints can be applied", async () => {
  const { stdout } = await runScenario({ args: ["promote", "node-1"], ...promotion([]) });
  const applied = await runScenario({
    args: ["apply", "--dry-run", "DIR/f.toml"],
    files: { "f.toml": stdout },
    journal: emptyVCluster,
  });
  assert.equal(applied.code, 0, applied.stderr);
  assert.match(applied.stdout, /vCluster ml: 2 changes/);
  assert.match(applied.stdout, /kernel: vm\.swappiness: 60/);
});

Deno.test("CLI-82: conflicts go to standard error and promote exits 9 unless acknowledged", () =>
  assertGolden("promote_conflict", { args: ["promote", "node-1"], ...promotion([conflict]) }));

Deno.test("CLI-82: an acknowledgement is embedded in the printed spec", () =>
  assertGolden("promote_acknowledged", {
    args: ["promote", "node-1", "--keep", "node-2:vm.swappiness"],
    ...promotion([conflict]),
  }));

Deno.test("CLI-82: promote --dry-run exits 0 even with conflicts", () =>
  assertGolden("promote_dry_run", {
    args: ["promote", "node-1", "--dry-run"],
    ...promotion([conflict]),
  }));

Deno.test("CLI-81: promote --apply with an undecided conflict exits 9", () =>
  assertGolden("promote_apply_conflict", {
    args: ["promote", "node-1", "--apply"],
    ...promotion([conflict]),
  }));

Deno.test("CLI-81: promote --apply sends the decisions", () =>
  assertGolden("promote_apply", {
    args: ["promote", "node-1", "--apply", "--accept-all"],
    ...promotion([conflict]),
  }));

const emptyVCluster: JournalScript = {
  config: { getOverlay: refuse("NOT_FOUND", "overlay for ml not found") },
  policy: { getEffectivePolicy: refuse("NOT_FOUND", "policy for ml not found") },
};

Deno.test("CLI-113: enroll registers a node with its identifiers", () =>
  assertGolden("enroll", {
    args: [
      "enroll",
      "node-1",
      "--hardware-id",
      "mac:aa:bb:cc:dd:ee:01",
      "--hardware-id",
      "4c4c4544-0000-2010-8020-80c04f202020",
      "--bmc-serial",
      "B1",
      "--vcluster",
      "ml",
    ],
    journal: {
      enrollment: {
        registerNode({ hardwareIdentity, vclusterId }: enrollment.RegisterNodeRequest) {
          assert.equal(hardwareIdentity?.macAddress, "aa:bb:cc:dd:ee:01");
          assert.equal(hardwareIdentity?.bmcSerial, "B1");
          assert.deepEqual(hardwareIdentity?.extra, {
            smbios_uuid: "4c4c4544-0000-2010-8020-80c04f202020",
          });
          assert.equal(vclusterId, "ml");
          return { nodeId: "node-1", enrollmentState: "Registered" };
        },
      },
    },
  }));

Deno.test("CLI-113: enroll without a hardware identity is a usage error", () =>
  assertGolden("enroll_no_identity", { args: ["enroll", "node-1"], journal: {} }));

Deno.test("CLI-116: node assign, unassign and move say what they did", async () => {
  const journal = {
    enrollment: {
      assignNode: () => ({}),
      unassignNode: () => ({}),
      moveNode: () => ({ fromVclusterId: "ml", toVclusterId: "hpc" }),
    },
  };
  await assertGolden("node_assign", {
    args: ["node", "assign", "node-1", "--vcluster", "ml"],
    journal,
  });
  await assertGolden("node_unassign", { args: ["node", "unassign", "node-1"], journal });
  await assertGolden("node_move", {
    args: ["node", "move", "node-1", "--to-vcluster", "hpc"],
    journal,
  });
});

const policyJournal: JournalScript = {
  policy: {
    getEffectivePolicy: () => ({
      ...settingsToWire(PolicySettingsSchema.parse({})),
      version: 3n,
    }),
    updatePolicy({ policy, expectedVersion }) {
      assert.equal(policy?.enforcementMode, "enforce");
      assert.equal(expectedVersion, 3n);
      return { success: true, policyRef: "policy:ml" };
    },
  },
};

Deno.test("CLI-111: group set-policy prints what changes and the new version", () =>
  assertGolden("group_set_policy", {
    args: ["group", "set-policy", "ml", "DIR/policy.toml"],
    files: { "policy.toml": 'enforcement_mode = "enforce"\n' },
    journal: policyJournal,
  }));

Deno.test("group set-policy names an unknown setting, its line, and the nearest name", () =>
  assertGolden("group_set_policy_unknown", {
    args: ["group", "set-policy", "ml", "DIR/policy.toml"],
    files: { "policy.toml": '# mode\nenforcment_mode = "enforce"\n' },
    journal: policyJournal,
  }));

Deno.test("CLI-64: a write is tried four times in all, with one request id", async () => {
  const outcome: Outcome = await runScenario({
    args: ["commit", "-m", "x", "--vcluster", "ml"],
    journal: { config: { appendEntry: refuse("NO_LEADER", "NO_LEADER: electing") } },
  });
  assert.equal(outcome.code, 5);
  const ids = outcome.journalCalls.filter(({ method }) => method === "AppendEntry")
    .map(({ header }) => header.get("x-pact-request-id"));
  assert.deepEqual(ids, Array(4).fill("request-1"));
});

Deno.test("CLI-81: on a terminal promote --apply asks for each conflict", async () => {
  let asked: readonly string[] = [];
  const outcome = await runScenario({
    args: ["promote", "node-1", "--apply"],
    terminal: true,
    stdin: "keep\no\n",
    journal: {
      fleet: {
        listDeltas: () => ({ deltas: [nodeDelta()] }),
        promote({ dryRun, decisions }) {
          if (!dryRun) asked = decisions.map(({ key, decision }) => `${key} ${decision}`);
          return {
            vclusterId: "ml",
            delta: promotedDelta(),
            conflicts: [conflict, { ...conflict, key: "vm.nr_hugepages" }],
            sequence: 52n,
          };
        },
      },
    },
  });
  assert.equal(outcome.code, 0, outcome.stderr);
  assert.deepEqual(asked, ["vm.swappiness keep", "vm.nr_hugepages overwrite"]);
});

Deno.test("API-2: a read after a write asks for at least what was written", async () => {
  const outcome = await runScenario({
    args: ["apply", "DIR/ml.toml"],
    files: {
      "ml.toml":
        "[vcluster.ml.packages]\nslurm = '1'\n[vcluster.ml.policy]\nenforcement_mode = 'warn'\n",
    },
    journal: {
      ...emptyVCluster,
      config: { ...emptyVCluster.config, appendEntry: () => ({ sequence: 50n }) },
      policy: {
        ...emptyVCluster.policy,
        updatePolicy: () => ({ success: true, policyRef: "policy:ml" }),
      },
    },
  });
  assert.equal(outcome.code, 0, outcome.stderr);
  const update = outcome.journalCalls.find(({ method }) => method === "UpdatePolicy");
  assert.equal(update?.header.get("x-pact-min-sequence"), "50");
});

Deno.test("CLI-62: Ctrl-C while waiting leaves the approval pending and exits 15", async () => {
  const interrupt = new AbortController();
  const outcome = await runScenario({
    args: ["commit", "-m", "x", "--vcluster", "ml", "--no-color"],
    journal: {
      ...needsApproval,
      policy: {
        listPendingApprovals() {
          interrupt.abort();
          return { approvals: [{ approvalId: "ap-1a2b3c4d", status: "Pending" }] };
        },
      },
    },
    terminal: true,
    signal: interrupt.signal,
  });
  assert.equal(outcome.code, 15);
});

Deno.test("CLI-73: a vCluster whose apply needs an approval is reported as pending", () =>
  assertGolden("apply_pending", {
    args: ["apply", "DIR/ml.toml"],
    files: { "ml.toml": "[vcluster.ml.packages]\nslurm = '1'\n" },
    journal: { ...emptyVCluster, config: { ...emptyVCluster.config, ...needsApproval.config } },
  }));

Deno.test("a commit that the node keeps for an absent journal says so and has no sequence yet", () =>
  assertGolden("commit_degraded", {
    args: ["commit", "-m", "Keep it", "--node", "node-1"],
    agents: {
      "node-1": { localCommit: () => ({ sequence: 0n, policyRef: "degraded:rbac:commit" }) },
    },
  }));
