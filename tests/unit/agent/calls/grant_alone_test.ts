import assert from "node:assert/strict";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { agentport, policy } from "../../../../api/mod.ts";
import { grantAlone, type NodeStanding } from "../../../../agent/calls/mod.ts";
import { RefusedError } from "../../../../agent/entries/mod.ts";

type PolicyFields = Omit<MessageInitShape<typeof policy.VClusterPolicySchema>, "$typeName">;

const ADMIN = "pact-platform-admin";
const OPS = "pact-ops-ml";

interface Asked {
  readonly role?: string;
  readonly principalType?: string;
  readonly action?: "emergency_start" | "emergency_end";
  readonly fields?: PolicyFields;
  readonly more?: Partial<NodeStanding>;
  readonly isConnected?: boolean;
}

function ask(
  { role = OPS, principalType = "Human", action = "emergency_start", fields, more, isConnected }:
    Asked,
) {
  const standing: NodeStanding = {
    nodeId: "n1",
    vclusterId: "ml",
    viewerExec: false,
    policy: create(policy.VClusterPolicySchema, {
      policyId: "ml-1",
      emergencyAllowed: true,
      ...fields,
    }),
    ...more,
  };
  const caller = create(agentport.CallerSchema, { principal: "p", principalType, roles: [role] });
  return grantAlone(standing, caller, action, isConnected ?? false);
}

function refusal(asked: Asked): readonly [string, string] {
  try {
    ask(asked);
  } catch (error) {
    assert.ok(error instanceof RefusedError);
    return [error.code, error.message];
  }
  throw new Error("not refused");
}

Deno.test("DEG-9: who operates the vCluster and platform admins open and end emergencies by the cached policy", () => {
  for (const action of ["emergency_start", "emergency_end"] as const) {
    assert.equal(ask({ action }).author.role, OPS);
    assert.ok(ask({ role: ADMIN, action }).isPlatformAdmin);
  }
});

Deno.test("DEG-9, P8: machines, viewers, others' operators and regulated roles do not", () => {
  const callers: Asked[] = [
    { role: "pact-service-ai", principalType: "Agent" },
    { role: ADMIN, principalType: "Service" },
    { role: OPS, principalType: "Agent" },
    { role: "pact-viewer-ml" },
    { role: "pact-ops-bio" },
    { role: "pact-regulated-ml" },
    { role: "made-up" },
  ];
  for (const asked of callers) {
    for (const action of ["emergency_start", "emergency_end"] as const) {
      assert.equal(refusal({ ...asked, action })[0], "PERMISSION_DENIED", JSON.stringify(asked));
    }
  }
});

Deno.test("DEG-9: a binding grants nothing here, as deny is the default without a journal", () => {
  const roleBindings = [{
    role: "pact-viewer-ml",
    principals: ["p"],
    allowedActions: ["emergency_start"],
  }];
  const [code, message] = refusal({ role: "pact-viewer-ml", fields: { roleBindings } });
  assert.equal(code, "PERMISSION_DENIED");
  assert.match(message, /emergency_start/);
});

Deno.test("EMM-2, DEG-9: where the cached policy allows no emergencies, or is not there, platform admins alone open them", () => {
  for (
    const asked of [{ fields: { emergencyAllowed: false } }, { more: { policy: undefined } }]
  ) {
    assert.equal(refusal(asked)[0], "PERMISSION_DENIED");
    assert.ok(ask({ ...asked, role: ADMIN }).isPlatformAdmin);
  }
});

Deno.test("DEG-5: what takes two people cannot be opened here, and is ended by one", () => {
  const fields = { regulated: true, twoPersonApproval: true };
  assert.deepEqual(refusal({ fields }), [
    "POLICY_DENIED",
    "two-person approval unavailable during partition",
  ]);
  ask({ fields, action: "emergency_end" });
});

Deno.test("DEG-6, DEG-9: rules of the site are no obstacle, but where the policy wants nothing without them", () => {
  const more = { rulesApply: true };
  assert.match(ask({ more }).policyRef, /^degraded:/);
  assert.deepEqual(refusal({ more, fields: { requireOpa: true } }), [
    "POLICY_DENIED",
    "policy engine unavailable",
  ]);
});

Deno.test("EMM-2: with contact everybody who may is told to use the journal, and who may not is denied", () => {
  assert.deepEqual(refusal({ isConnected: true }), ["PRECONDITION", "use the journal"]);
  assert.equal(
    refusal({ isConnected: true, role: "pact-viewer-ml" })[0],
    "PERMISSION_DENIED",
  );
});

Deno.test("SHS-8: on a node that failed to boot platform admins alone do", () => {
  const more = { isBootFailed: true };
  assert.equal(refusal({ more })[0], "PERMISSION_DENIED");
  ask({ more, role: ADMIN });
});
