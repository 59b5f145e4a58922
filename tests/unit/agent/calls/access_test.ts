import assert from "node:assert/strict";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { agentport, policy } from "../../../../api/mod.ts";
import { admitCall, grantCall, type NodeStanding } from "../../../../agent/calls/mod.ts";
import { RefusedError } from "../../../../agent/entries/mod.ts";

const caller = (role: string, principalType = "Human") =>
  create(agentport.CallerSchema, { principal: "p", principalType, roles: [role] });

type PolicyFields = Omit<MessageInitShape<typeof policy.VClusterPolicySchema>, "$typeName">;

const standing = (fields: PolicyFields = {}, more: Partial<NodeStanding> = {}): NodeStanding => ({
  nodeId: "n1",
  vclusterId: "ml",
  viewerExec: false,
  policy: create(policy.VClusterPolicySchema, { policyId: "ml-1", ...fields }),
  ...more,
});

function refusal(decide: () => unknown): RefusedError {
  try {
    decide();
  } catch (error) {
    assert.ok(error instanceof RefusedError);
    return error;
  }
  throw new Error("not refused");
}

Deno.test("EXE-10: viewers run commands only where the node lets them, and then only what reads", () => {
  const viewer = caller("pact-viewer-ml");
  assert.equal(refusal(() => grantCall(standing(), viewer, "exec")).code, "PERMISSION_DENIED");
  const grant = grantCall(standing({}, { viewerExec: true }), viewer, "exec");
  assert.ok(grant.readOnlyOnly);
  const foreign = caller("pact-viewer-sim");
  refusal(() => grantCall(standing({}, { viewerExec: true }), foreign, "exec"));
  const machine = caller("pact-viewer-ml", "Service");
  refusal(() => grantCall(standing({}, { viewerExec: true }), machine, "exec"));
});

Deno.test("EXE-11: an AI runs what reads, where the policy lets it", () => {
  const robot = caller("pact-service-ai", "Agent");
  refusal(() => grantCall(standing(), robot, "exec"));
  const grant = grantCall(standing({ aiExecAllowed: true }), robot, "exec");
  assert.ok(grant.readOnlyOnly && !grant.isPlatformAdmin);
});

Deno.test("BTS-11: a node of no vCluster obeys platform admins alone", () => {
  const nowhere = standing({}, { vclusterId: "", policy: undefined });
  refusal(() => grantCall(nowhere, caller("pact-ops-ml"), "exec"));
  assert.ok(grantCall(nowhere, caller("pact-platform-admin"), "exec").isPlatformAdmin);
});

Deno.test("SHS-8: a node that failed to boot lets platform admins in alone", () => {
  const failed = standing({}, { isBootFailed: true });
  const refused = refusal(() => grantCall(failed, caller("pact-ops-ml"), "status"));
  assert.equal(refused.code, "PERMISSION_DENIED");
  assert.match(refused.message, /BootFailed: platform admins only/);
  assert.ok(grantCall(failed, caller("pact-platform-admin"), "exec").isPlatformAdmin);
});

Deno.test("APR-3: a commit where two people decide, and in a regulated vCluster a command that changes state, need a second person", () => {
  const operator = caller("pact-ops-ml");
  const two = standing({ twoPersonApproval: true });
  assert.ok(admitCall(two, operator, "commit").needsApproval);
  assert.ok(!admitCall(two, operator, "exec", true).needsApproval);
  const both = standing({ regulated: true, twoPersonApproval: true });
  assert.ok(admitCall(both, operator, "exec", true).needsApproval);
  assert.ok(!admitCall(both, operator, "exec", false).needsApproval);
  assert.ok(!admitCall(both, caller("pact-platform-admin"), "commit").needsApproval);
});

Deno.test("a call that cannot wait for a second person is refused with the reason", () => {
  const two = standing({ regulated: true, twoPersonApproval: true });
  const refused = refusal(() => grantCall(two, caller("pact-regulated-ml"), "commit"));
  assert.equal(refused.code, "POLICY_DENIED");
  assert.match(refused.message, /two people/);
});

Deno.test("a token of no known role may do nothing", () => {
  for (const action of ["status", "exec", "commit", "rollback", "service_restart", "diag", "cap"]) {
    const refused = refusal(() => grantCall(standing(), caller("admin"), action));
    assert.equal(refused.code, "PERMISSION_DENIED");
  }
});
