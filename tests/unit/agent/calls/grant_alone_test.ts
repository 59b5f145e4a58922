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
  readonly isAlone?: () => Promise<boolean>;
}

async function ask(
  { role = OPS, principalType = "Human", action = "emergency_start", fields, more, isAlone }: Asked,
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
  return await grantAlone(
    () => standing,
    caller,
    action,
    isAlone ?? (() => Promise.resolve(true)),
  );
}

async function refusal(asked: Asked): Promise<readonly [string, string]> {
  try {
    await ask(asked);
  } catch (error) {
    assert.ok(error instanceof RefusedError);
    return [error.code, error.message];
  }
  throw new Error("not refused");
}

Deno.test("DEG-9: who operates the vCluster and platform admins open and end emergencies by the cached policy", async () => {
  for (const action of ["emergency_start", "emergency_end"] as const) {
    assert.equal((await ask({ action })).author.role, OPS);
    assert.ok((await ask({ role: ADMIN, action })).isPlatformAdmin);
  }
});

Deno.test("DEG-9, P8: machines, viewers, others' operators and regulated roles do not", async () => {
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
      assert.equal(
        (await refusal({ ...asked, action }))[0],
        "PERMISSION_DENIED",
        JSON.stringify(asked),
      );
    }
  }
});

Deno.test("DEG-9: a binding grants nothing here, as deny is the default without a journal", async () => {
  const roleBindings = [{
    role: "pact-viewer-ml",
    principals: ["p"],
    allowedActions: ["emergency_start"],
  }];
  const [code, message] = await refusal({ role: "pact-viewer-ml", fields: { roleBindings } });
  assert.equal(code, "PERMISSION_DENIED");
  assert.match(message, /emergency_start/);
});

Deno.test("EMM-2, DEG-9: where the cached policy allows no emergencies, or is not there, platform admins alone open them", async () => {
  for (
    const asked of [{ fields: { emergencyAllowed: false } }, { more: { policy: undefined } }]
  ) {
    assert.equal((await refusal(asked))[0], "PERMISSION_DENIED");
    assert.ok((await ask({ ...asked, role: ADMIN })).isPlatformAdmin);
  }
});

Deno.test("DEG-5: what takes two people cannot be opened here, and is ended by one", async () => {
  const fields = { regulated: true, twoPersonApproval: true };
  assert.deepEqual(await refusal({ fields }), [
    "POLICY_DENIED",
    "two-person approval unavailable during partition",
  ]);
  await ask({ fields, action: "emergency_end" });
});

Deno.test("DEG-6, DEG-9: rules of the site are no obstacle, but where the policy wants nothing without them", async () => {
  const more = { rulesApply: true };
  assert.match((await ask({ more })).policyRef, /^degraded:/);
  assert.deepEqual(await refusal({ more, fields: { requireOpa: true } }), [
    "POLICY_DENIED",
    "policy engine unavailable",
  ]);
});

Deno.test("EMM-2: with a journal everybody who may is told to use it, and for who may not nobody is asked", async () => {
  let asked = 0;
  const isAlone = () => {
    asked++;
    return Promise.resolve(false);
  };
  assert.deepEqual(await refusal({ isAlone }), ["PRECONDITION", "use the journal"]);
  assert.equal(asked, 1);
  assert.equal((await refusal({ isAlone, role: "pact-viewer-ml" }))[0], "PERMISSION_DENIED");
  assert.equal(asked, 1);
  const twoPeople = { regulated: true, twoPersonApproval: true };
  assert.equal((await refusal({ isAlone, fields: twoPeople }))[1], "use the journal");
});

Deno.test("DEG-9: what the policy says once nobody has answered counts, not what it said before", async () => {
  const policyOf = (emergencyAllowed: boolean) =>
    create(policy.VClusterPolicySchema, { policyId: "ml-1", emergencyAllowed });
  const standing = { nodeId: "n1", vclusterId: "ml", viewerExec: false };
  let newest = policyOf(true);
  const caller = create(agentport.CallerSchema, {
    principal: "p",
    principalType: "Human",
    roles: [OPS],
  });
  await assert.rejects(
    grantAlone(() => ({ ...standing, policy: newest }), caller, "emergency_start", () => {
      newest = policyOf(false);
      return Promise.resolve(true);
    }),
    (error) => error instanceof RefusedError && error.code === "PERMISSION_DENIED",
  );
});

Deno.test("SHS-8: on a node that failed to boot platform admins alone do", async () => {
  const more = { isBootFailed: true };
  assert.equal((await refusal({ more }))[0], "PERMISSION_DENIED");
  await ask({ more, role: ADMIN });
});
