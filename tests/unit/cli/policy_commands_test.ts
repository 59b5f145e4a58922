import { assertGolden } from "./harness.ts";

const STEPS = [
  {
    kind: "action",
    subject: "commit",
    effect: "continue",
    detail: "commit is a write action",
    data: {},
  },
  {
    kind: "scope",
    subject: "node:n1",
    effect: "continue",
    detail: "node n1 is assigned to vCluster ml (ROL-4)",
    data: { policy_id: "pol-7", vcluster_id: "ml", node_id: "n1" },
  },
  {
    kind: "matrix",
    subject: "viewer/commit",
    effect: "continue",
    detail: "the role matrix does not allow it",
    data: { cell: "deny" },
  },
  {
    kind: "outcome",
    subject: "rbac:denied:commit",
    effect: "deny",
    detail: "viewer role cannot perform action: commit (P2)",
    data: {},
  },
];

Deno.test("policy explain prints the chain that led to a decision", () =>
  assertGolden("policy_explain", {
    args: [
      "policy",
      "explain",
      "commit",
      "node:n1",
      "--principal",
      "vi",
      "--role",
      "pact-viewer-ml",
    ],
    journal: {
      policy: {
        evaluate: () => ({
          authorized: false,
          policyRef: "rbac:denied:commit",
          denialReason: "viewer role cannot perform action: commit (P2)",
          outcome: "deny",
          role: "pact-viewer-ml",
          steps: STEPS,
        }),
      },
    },
  }));

Deno.test("policy explain about somebody else wants to know the roles", () =>
  assertGolden("policy_explain_no_role", {
    args: ["policy", "explain", "commit", "node:n1", "--principal", "vi"],
    journal: {},
  }));

const AUDITED = {
  id: "op-7",
  timestamp: { seconds: 1_794_000_000n },
  actor: { principal: "bo", principalType: "Human", role: "pact-ops-ml" },
  operationType: "Commit",
  scope: { scope: { case: "nodeId", value: "n1" } } as const,
  outcome: "Success",
  metadata: { policy_ref: "rbac:default:commit", vcluster: "ml", categories: "kernel" },
};

Deno.test("policy test lists recorded decisions that changed settings would turn", () =>
  assertGolden("policy_test", {
    args: ["policy", "test", "--vcluster", "ml", "--since", "30d", "DIR/new.toml"],
    files: { "new.toml": "two_person_approval = true\n" },
    journal: {
      fleet: {
        async *queryAudit() {
          yield AUDITED;
          yield { ...AUDITED, id: "op-8", operationType: "Extend" };
          yield { ...AUDITED, id: "op-9", metadata: { policy_ref: "rbac:own-node:Commit" } };
        },
      },
      policy: { getEffectivePolicy: () => ({ vclusterId: "ml", version: 3n }) },
    },
  }));

Deno.test("policy test wants to know whose settings a file holds", () =>
  assertGolden("policy_test_no_vcluster", {
    args: ["policy", "test", "DIR/new.toml"],
    files: { "new.toml": "regulated = true\n" },
    journal: {},
  }));
