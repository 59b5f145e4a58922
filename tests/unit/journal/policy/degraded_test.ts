import assert from "node:assert/strict";
import type { Action, Decision } from "../../../../common/authz/mod.ts";
import { decideWithoutEngine, ENGINE_UNAVAILABLE } from "../../../../journal/policy/mod.ts";

type Circumstance = "plain" | "regulated" | "require_opa" | "may ask for approval";

/** Whether ops get their way while the engine is down, by circumstance in the order below. */
const TABLE: readonly (readonly [Action, string, string])[] = [
  ["status", "DEG-1", "allow allow allow allow"],
  ["diag", "DEG-6", "allow deny allow allow"],
  ["commit", "DEG-7", "allow deny deny deny"],
  ["exec", "DEG-7", "allow deny deny deny"],
  ["service_restart", "DEG-7", "allow deny deny deny"],
  ["drain", "DEG-7", "allow deny deny deny"],
  ["emergency_start", "DEG-9", "allow allow deny allow"],
  ["emergency_end", "DEG-9", "allow allow deny allow"],
  ["node_assign", "DEG-10", "deny deny deny deny"],
  ["approve", "DEG-10", "deny deny deny deny"],
];
const CIRCUMSTANCES: readonly Circumstance[] = [
  "plain",
  "regulated",
  "require_opa",
  "may ask for approval",
];

function degraded(
  action: Action,
  circumstance: Circumstance,
  outcome: "allow" | "approval" = "allow",
  isPlatformAdmin = false,
): Decision {
  return decideWithoutEngine({
    action,
    byRoles: { outcome, role: "pact-ops-ml", policyRef: `rbac:p1:${action}` },
    isPlatformAdmin,
    policy: {
      policy_id: "p1",
      regulated: circumstance === "regulated",
      require_opa: circumstance === "require_opa",
    },
    mayAskForApproval: circumstance === "may ask for approval",
  });
}

for (const [action, rule, expected] of TABLE) {
  Deno.test(`${rule}: without the engine, ${action} by ops is decided as the degraded table says`, () => {
    const outcomes = CIRCUMSTANCES.map((each) => degraded(action, each).outcome);
    assert.equal(outcomes.join(" "), expected);
  });
}

Deno.test("DEG-6: what depends on the engine is refused with its reason", () => {
  assert.deepEqual(degraded("commit", "regulated"), {
    outcome: "deny",
    role: "pact-ops-ml",
    policyRef: "opa:denied:commit",
    reason: ENGINE_UNAVAILABLE,
  });
});

Deno.test("DEG-7: what roles alone decide carries the degraded mark (POL-26)", () => {
  assert.equal(degraded("commit", "plain").policyRef, "degraded:p1:commit");
});

Deno.test("DEG-7: a second person is still asked for where the policy says so", () => {
  assert.equal(degraded("commit", "plain", "approval").outcome, "approval");
});

Deno.test("DEG-8: a platform admin goes on by role, whatever the circumstance", () => {
  for (const circumstance of CIRCUMSTANCES) {
    assert.equal(degraded("commit", circumstance, "allow", true).outcome, "allow");
  }
});
