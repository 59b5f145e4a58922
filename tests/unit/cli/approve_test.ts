import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { config, policy } from "../../../api/mod.ts";
import type { JournalScript } from "../../support/mod.ts";
import { ago, enrolled, refuse } from "./fixtures.ts";
import { assertGolden, runScenario } from "./harness.ts";

type PolicyScript = NonNullable<JournalScript["policy"]>;

/** Approvals of three ages, the last one decided. */
const approvals = [
  {
    approvalId: "ap-1a2b3c4d",
    action: "commit",
    scope: "vc:ml",
    vclusterId: "ml",
    requester: "bo@example.org",
    status: "Pending",
    summary: "commit on vc:ml; less swap; kernel:vm.swappiness",
    createdAt: ago(30),
    expiresAt: ago(-1770),
    proposedChange: create(config.StateDeltaSchema, {
      kernel: [{
        key: "vm.swappiness",
        action: config.DeltaAction.MODIFY,
        declaredValue: "10",
        actualValue: "60",
      }],
    }),
    requestJson: JSON.stringify({ kind: "command", command: { type: "AppendEntry" } }),
  },
  {
    approvalId: "ap-99999999",
    action: "exec",
    scope: "node:node-1",
    vclusterId: "ml",
    requester: "cleo@example.org",
    status: "Pending",
    summary: "exec on node:node-1 sysctl -w vm.swappiness=10",
    createdAt: ago(720),
    expiresAt: ago(-45),
  },
];

const decided = {
  ...approvals[1],
  createdAt: ago(7300),
  status: "Approved",
  approver: "alice@example.org",
  decidedAt: ago(60),
  permitExpiresAt: ago(-840),
  permitUsedAt: ago(30),
};

const listing: PolicyScript = {
  listPendingApprovals({ includeClosed, approvalId }) {
    if (approvalId === "ap-9999") return { approvals: [decided] };
    if (approvalId !== "") return { approvals: approvals.slice(0, 1) };
    return { approvals: includeClosed ? [...approvals, decided] : approvals };
  },
};

Deno.test("CLI-102: approve list shows what waits, whole ids and ages", async () => {
  await assertGolden("approve_list", { args: ["approve", "list"], journal: { policy: listing } });
  await assertGolden("approve_list_all", {
    args: ["approve", "list", "--all"],
    journal: { policy: listing },
  });
  await assertGolden("approve_list_empty", {
    args: ["approve", "list", "--vcluster", "ml"],
    journal: {
      policy: {
        listPendingApprovals({ scopeFilter }) {
          assert.equal(scopeFilter, "vc:ml");
          return {};
        },
      },
    },
  });
});

Deno.test("CLI-102: approve show tells all of one request, its changes and what became of it", async () => {
  await assertGolden("approve_show", {
    args: ["approve", "show", "ap-1a2b3c4d"],
    journal: { policy: listing },
  });
  await assertGolden("approve_show_permit", {
    args: ["approve", "show", "9999"],
    journal: { policy: listing },
  });
});

/** A journal that answers a decision, and a trailer with the code of a refusal. */
function deciding(
  answer: Omit<Partial<policy.DecideApprovalResponse>, "$typeName" | "$unknown">,
  code?: string,
): Pick<JournalScript, "policy"> {
  return {
    policy: {
      decideApproval(request, call) {
        assert.match(request.approvalId, /^ap-1a2b/);
        if (code !== undefined) call.responseTrailer.set("x-pact-error", code);
        return create(policy.DecideApprovalResponseSchema, {
          approvalId: "ap-1a2b3c4d",
          ...answer,
        });
      },
    },
  };
}

const accept = ["approve", "ap-1a2b3c4d"];

Deno.test("CLI-103: approve ID carries the request out, and says where it stands in the log", async () => {
  const applied = deciding({ success: true, status: "Approved", executedSequence: 51n });
  await assertGolden("approve", { args: accept, journal: applied });
  await assertGolden("approve_accept", { args: ["approve", "accept", "1a2b"], journal: applied });
  const permitExpiresAt = ago(-900);
  await assertGolden("approve_node", {
    args: accept,
    journal: deciding({ success: true, status: "Approved", permitExpiresAt }),
  });
  await assertGolden("approve_failed", {
    args: accept,
    journal: deciding({
      success: true,
      status: "Approved",
      executionError: "CONFLICT: expected sequence 4, head is 7",
    }),
  });
});

Deno.test("CLI-103: approve deny gives the reason and cancels the request", async () => {
  await assertGolden("approve_deny", {
    args: ["approve", "deny", "ap-1a2b3c4d", "-m", "too risky"],
    journal: deciding({ success: true, status: "Rejected" }),
  });
  const blank = await runScenario({
    args: ["approve", "deny", "ap-1a2b3c4d", "-m", " "],
    journal: {},
  });
  assert.equal(blank.code, 1);
});

Deno.test("CLI-103: one's own request exits 2, a closed one 4, an expired one 16", async () => {
  const error = "SELF_APPROVAL: cannot approve your own request (P4)";
  await assertGolden("approve_own", {
    args: accept,
    journal: deciding({ status: "Pending", error }, "SELF_APPROVAL"),
  });
  await assertGolden("approve_closed", {
    args: accept,
    journal: deciding(
      { status: "Rejected", error: "approval ID already Rejected" },
      "APPROVAL_CLOSED",
    ),
  });
  await assertGolden("approve_expired", {
    args: accept,
    journal: deciding(
      { status: "Expired", error: "approval ID already Expired" },
      "APPROVAL_CLOSED",
    ),
  });
});

const pendingTrailers = {
  "x-pact-approval-id": "ap-1a2b3c4d",
  "x-pact-approval-expires": "2026-11-20T12:30:00Z",
};

/** An agent that runs nothing without an approval, and says which one it was given. */
const guarded = {
  async *exec(_request: unknown, call: { readonly requestHeader: Headers }) {
    const id = call.requestHeader.get("x-pact-approval-id");
    if (id === null) {
      refuse("APPROVAL_REQUIRED", "APPROVAL_REQUIRED: two people must decide", pendingTrailers)();
    }
    yield { output: { case: "stdout" as const, value: new TextEncoder().encode(`${id}\n`) } };
    yield { output: { case: "exitCode" as const, value: 0 } };
  },
};

const permitted: PolicyScript = {
  listPendingApprovals: () => ({
    approvals: [{ approvalId: "ap-1a2b3c4d", status: "Approved", permitExpiresAt: ago(-900) }],
  }),
};

Deno.test("APR-12: exec waits for the approval and repeats the command with it", () =>
  assertGolden("exec_approved", {
    args: ["exec", "node-1", "--", "sysctl", "-w", "vm.swappiness=10"],
    journal: { enrollment: enrolled, policy: permitted },
    agents: { "node-1": guarded },
    terminal: true,
  }));

Deno.test("CLI-62: exec without a terminal exits 15 and says how to go on; --approval goes on", async () => {
  const scenario = { journal: { enrollment: enrolled }, agents: { "node-1": guarded } };
  await assertGolden("exec_pending", {
    args: ["exec", "node-1", "--", "sysctl", "-w", "vm.swappiness=10"],
    ...scenario,
  });
  await assertGolden("exec_with_approval", {
    args: ["exec", "node-1", "--approval", "ap-1a2b3c4d", "--", "sysctl", "-w", "vm.swappiness=10"],
    ...scenario,
  });
});

Deno.test("CLI-62: a command that does not wait by itself says what to do and exits 15", () =>
  assertGolden("node_assign_pending", {
    args: ["node", "assign", "node-1", "--vcluster", "ml"],
    journal: {
      enrollment: {
        assignNode: refuse(
          "APPROVAL_REQUIRED",
          "APPROVAL_REQUIRED: two people must decide on node_assign in vc:ml. ap-1a2b3c4d is pending",
          pendingTrailers,
        ),
      },
    },
  }));

Deno.test("APR-11: what was approved and could not be carried out exits 1 with the reason", () =>
  assertGolden("commit_not_carried_out", {
    args: ["commit", "-m", "x", "--vcluster", "ml", "--no-color"],
    journal: {
      config: {
        appendEntry: refuse("APPROVAL_REQUIRED", "APPROVAL_REQUIRED: wait", pendingTrailers),
      },
      policy: {
        listPendingApprovals: () => ({
          approvals: [{
            approvalId: "ap-1a2b3c4d",
            status: "Approved",
            approver: "bo",
            executionError: "CONFLICT: expected sequence 4, head is 7",
          }],
        }),
      },
    },
    terminal: true,
  }));
