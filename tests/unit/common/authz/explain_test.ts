import assert from "node:assert/strict";
import fc from "fast-check";
import {
  ACTION_GROUPS,
  decide,
  type DecisionPolicy,
  type DecisionRequest,
  explainDecision,
} from "../../../../common/authz/mod.ts";

const POLICY: DecisionPolicy = {
  policyId: "pol-7",
  emergencyAllowed: true,
  regulated: false,
  twoPersonApproval: false,
  aiExecAllowed: false,
  roleBindings: [],
};

/** The chain as lines: kind, subject, effect. */
function chain(request: Partial<DecisionRequest> & { readonly roles: readonly string[] }) {
  const { steps } = explainDecision({
    principal: { principal: "bo", principalType: "Human", roles: request.roles },
    action: "commit",
    scope: { global: false, vclusterId: "ml", nodeId: "n1" },
    policy: POLICY,
    ...request,
  });
  return steps.map(({ kind, subject, effect }) => `${kind} ${subject} ${effect}`);
}

Deno.test("POL-21: the chain names the role, the matrix cell and the outcome", () => {
  assert.deepEqual(chain({ roles: ["pact-ops-ml"] }), [
    "action commit continue",
    "scope node:n1 continue",
    "role pact-ops-ml continue",
    "matrix ops/commit allow",
    "outcome rbac:pol-7:commit allow",
  ]);
});

Deno.test("P3: the chain of a role of another vCluster ends at the scope", () => {
  assert.deepEqual(chain({ roles: ["pact-ops-bio", "pact-viewer-ml"] }), [
    "action commit continue",
    "scope node:n1 continue",
    "role pact-ops-bio continue",
    "scope P3 deny",
    "role pact-viewer-ml continue",
    "matrix viewer/commit continue",
    "binding pol-7 deny",
    "outcome rbac:denied:commit deny",
  ]);
});

Deno.test("POL-25: the chain shows the binding that granted the action, and whom it names", () => {
  const binding = { role: "pact-service-ai", principals: ["copilot"], allowedActions: ["commit"] };
  const { decision, steps } = explainDecision({
    principal: { principal: "copilot", principalType: "Service", roles: ["pact-service-ai"] },
    action: "commit",
    scope: { global: false, vclusterId: "ml" },
    policy: { ...POLICY, roleBindings: [binding] },
  });
  assert.equal(decision.outcome, "allow");
  assert.deepEqual(steps.find(({ kind }) => kind === "binding")?.data, {
    role: "pact-service-ai",
    principals: "copilot",
    allowed_actions: "commit",
  });
});

Deno.test("P6, APR-1: the chain shows the admin's shortcut and the flag that wants a second person", () => {
  assert.ok(chain({ roles: ["pact-platform-admin"] }).includes("shortcut P6 allow"));
  const { steps } = explainDecision({
    principal: { principal: "bo", principalType: "Human", roles: ["pact-ops-ml"] },
    action: "exec",
    scope: { global: false, vclusterId: "ml" },
    policy: { ...POLICY, regulated: true, twoPersonApproval: true },
    changesState: true,
  });
  const matrix = steps.find(({ kind }) => kind === "matrix");
  assert.equal(matrix?.effect, "approval");
  assert.deepEqual(matrix?.data, {
    cell: "two",
    two_person_approval: "true",
    regulated: "true",
    changes_state: "true",
  });
});

const roles = fc.constantFrom(
  "pact-platform-admin",
  "pact-ops-ml",
  "pact-ops-bio",
  "pact-regulated-ml",
  "pact-viewer-ml",
  "pact-service-agent",
  "pact-service-ai",
  "site-helpers",
);

const requests = fc.record({
  principal: fc.record({
    principal: fc.constantFrom("ann", "bo"),
    principalType: fc.constantFrom("Human" as const, "Service" as const),
    roles: fc.uniqueArray(roles, { maxLength: 3 }),
    nodeId: fc.constantFrom(undefined, "n1"),
  }),
  action: fc.constantFrom(...Object.values(ACTION_GROUPS).flat(), "emergency", "dance"),
  scope: fc.constantFrom(
    { global: true },
    { global: false, vclusterId: "ml" },
    { global: false, vclusterId: "ml", nodeId: "n1" },
    { global: false, nodeId: "n2" },
  ),
  policy: fc.record({
    policyId: fc.constant("p"),
    emergencyAllowed: fc.boolean(),
    regulated: fc.boolean(),
    twoPersonApproval: fc.boolean(),
    aiExecAllowed: fc.boolean(),
    roleBindings: fc.array(
      fc.record({
        role: roles,
        principals: fc.constantFrom(["ann"], ["*"]),
        allowedActions: fc.constantFrom(["*"], ["exec", "commit"], ["emergency_start"]),
      }),
      { maxLength: 2 },
    ),
  }),
  changesState: fc.boolean(),
});

Deno.test("listening to the steps never changes the decision, and some step has its effect", () => {
  fc.assert(fc.property(requests, (request) => {
    const { decision, steps } = explainDecision(request);
    assert.deepEqual(decision, decide(request));
    assert.equal(steps.at(-1)?.kind, "outcome");
    assert.equal(steps.at(-1)?.effect, decision.outcome);
    if (request.principal.roles.length === 0 && request.action !== "dance") return;
    assert.ok(steps.slice(0, -1).some(({ effect }) => effect === decision.outcome));
  }));
});
