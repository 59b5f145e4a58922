import assert from "node:assert/strict";
import {
  type Action,
  decide,
  type DecisionPolicy,
  parseAction,
  parseRole,
  type Principal,
} from "../../../../common/authz/mod.ts";

const POLICY: DecisionPolicy = {
  policyId: "default",
  emergencyAllowed: true,
  regulated: false,
  twoPersonApproval: false,
  aiExecAllowed: false,
  roleBindings: [],
};

function ask(
  role: string,
  action: string,
  options: {
    vcluster?: string;
    node?: string;
    policy?: Partial<DecisionPolicy>;
    principal?: Partial<Principal>;
    changesState?: boolean;
    global?: boolean;
  } = {},
) {
  const isMachine = role.startsWith("pact-service-");
  return decide({
    principal: {
      principal: "someone",
      principalType: isMachine ? "Service" : "Human",
      roles: [role],
      ...options.principal,
    },
    action,
    scope: {
      global: options.global ?? false,
      vclusterId: options.global ? undefined : options.vcluster ?? "ml",
      nodeId: options.node,
    },
    policy: { ...POLICY, ...options.policy },
    changesState: options.changesState,
  });
}

Deno.test("P3: a scoped role acts only inside its own vCluster and says which", () => {
  for (const role of ["pact-ops-ml", "pact-regulated-ml", "pact-viewer-ml"]) {
    const decision = ask(role, "status", { vcluster: "batch" });
    assert.equal(decision.outcome, "deny");
    assert.equal(
      decision.outcome === "deny" && decision.reason,
      `role ${role} is scoped to vCluster ml, not batch (P3)`,
    );
  }
});

Deno.test("P8 and PAuth2: machines neither start nor end an emergency, bindings or not", () => {
  const roleBindings = [{
    role: "pact-service-ai",
    principals: ["someone"],
    allowedActions: ["emergency_start", "emergency_end"],
  }];
  for (const action of ["emergency_start", "emergency_end"]) {
    const ai = ask("pact-service-ai", action, { policy: { roleBindings } });
    assert.equal(
      ai.outcome === "deny" && ai.reason,
      "emergency mode restricted to human admins (P8)",
    );
    const service = ask("pact-platform-admin", action, { principal: { principalType: "Service" } });
    assert.equal(
      service.outcome === "deny" && service.reason,
      "emergency mode requires a human admin (PAuth2)",
    );
  }
});

Deno.test("POL-20: denials carry their stable texts", () => {
  const reason = (decision: ReturnType<typeof ask>) =>
    decision.outcome === "deny" ? decision.reason : "";
  assert.equal(
    reason(ask("pact-viewer-ml", "commit")),
    "viewer role cannot perform action: commit (P2)",
  );
  assert.equal(
    reason(ask("pact-service-ai", "exec")),
    "AI exec not authorized for vCluster 'ml' (set ai_exec_allowed in policy)",
  );
  assert.equal(reason(ask("pact-service-ai", "commit")), "AI agent cannot perform action: commit");
  assert.equal(
    reason(ask("pact-service-agent", "shell")),
    "service agent cannot perform action: shell",
  );
  assert.equal(
    reason(ask("pact-ops-ml", "commit", { global: true })),
    "global scope requires pact-platform-admin role",
  );
  assert.equal(
    reason(ask("pact-ops-ml", "emergency_start", { policy: { emergencyAllowed: false } })),
    "policy rejection: emergency mode disabled for vCluster ml",
  );
  assert.equal(reason(ask("pact-wizard", "status")), "unknown role: pact-wizard");
  assert.equal(reason(ask("pact-ops-ml", "teleport")), "unknown action: teleport");
});

Deno.test("ROL-2: several roles give the most permissive outcome and name the role that decided", () => {
  const decision = decide({
    principal: {
      principal: "kim",
      principalType: "Human",
      roles: ["pact-viewer-ml", "pact-regulated-ml", "pact-ops-ml"],
    },
    action: "commit",
    scope: { global: false, vclusterId: "ml" },
    policy: POLICY,
  });
  assert.deepEqual(decision, {
    outcome: "allow",
    role: "pact-ops-ml",
    policyRef: "rbac:default:commit",
  });
});

Deno.test("POL-24, ACC-P6: a wildcard binding grants work but never emergency, approval, policy or registry", () => {
  const roleBindings = [{ role: "site-robot", principals: ["someone"], allowedActions: ["*"] }];
  const outcome = (action: Action) =>
    ask("site-robot", action, { policy: { roleBindings } }).outcome;
  assert.equal(outcome("commit"), "allow");
  for (
    const action of [
      "emergency_start",
      "approve",
      "policy_update",
      "node_register",
      "backup_restore",
    ] as const
  ) assert.equal(outcome(action), "deny", action);
});

Deno.test("POL-25: a machine role is bound by name, never by a star principal", () => {
  const bind = (principals: string[]) =>
    ask("pact-service-ai", "commit", {
      policy: {
        roleBindings: [{ role: "pact-service-ai", principals, allowedActions: ["commit"] }],
      },
    }).outcome;
  assert.equal(bind(["someone"]), "allow");
  assert.equal(bind(["*"]), "deny");
});

Deno.test("APR-1, APR-3: two people decide where the policy says so, and reading never waits for a second", () => {
  const policy = { twoPersonApproval: true, regulated: true };
  assert.equal(ask("pact-ops-ml", "commit", { policy }).outcome, "approval");
  assert.equal(ask("pact-platform-admin", "commit", { policy }).outcome, "allow");
  assert.equal(ask("pact-ops-ml", "exec", { policy, changesState: false }).outcome, "allow");
  assert.equal(ask("pact-ops-ml", "exec", { policy, changesState: true }).outcome, "approval");
  assert.equal(ask("pact-ops-ml", "emergency_end", { policy }).outcome, "allow");
});

Deno.test("an agent certificate speaks for its own node only", () => {
  const principal = { nodeId: "n1" };
  assert.equal(ask("pact-service-agent", "status", { node: "n1", principal }).outcome, "allow");
  assert.equal(ask("pact-service-agent", "status", { node: "n2", principal }).outcome, "deny");
});

Deno.test("policy.md 5, ROL-5: an agent reads the vCluster of its node and Global, changes neither, and reads no other vCluster", () => {
  const asked = (action: string, vcluster: string, home?: string) =>
    ask("pact-service-agent", action, { vcluster, principal: { nodeId: "n1", vclusterId: home } })
      .outcome;
  assert.equal(asked("log", "ml", "ml"), "allow");
  assert.equal(asked("status", "batch", "ml"), "deny");
  assert.equal(asked("status", "ml"), "deny", "a node that is assigned to nothing");
  assert.equal(asked("diff", "ml", "ml"), "deny");
  assert.equal(asked("commit", "ml", "ml"), "deny");
  const principal = { nodeId: "n1", vclusterId: "ml" };
  assert.equal(ask("pact-service-agent", "log", { global: true, principal }).outcome, "allow");
  assert.equal(ask("pact-service-agent", "commit", { global: true, principal }).outcome, "deny");
});

Deno.test("POL-10, ROL-1: aliases resolve and a role without its vCluster is none", () => {
  assert.equal(parseAction("emergency"), "emergency_start");
  assert.equal(parseAction("service"), "service_restart");
  assert.equal(parseRole("pact-ops-").kind, "unknown");
  assert.deepEqual(parseRole("pact-ops-ml-training"), { kind: "ops", vclusterId: "ml-training" });
});

Deno.test("POL-2: no role means no", () => {
  const decision = decide({
    principal: { principal: "kim", principalType: "Human", roles: [] },
    action: "status",
    scope: { global: false, vclusterId: "ml" },
    policy: POLICY,
  });
  assert.equal(decision.outcome === "deny" && decision.reason, "no pact role in token");
});
