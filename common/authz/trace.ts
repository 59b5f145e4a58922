import { type Action, actionGroup } from "./actions.ts";
import type { Cell } from "./matrix.ts";
import type { Decision, DecisionRequest, RoleBinding } from "./request.ts";
import type { Role } from "./roles.ts";
import type { DecisionEffect, DecisionStep, DecisionStepKind } from "./steps.ts";

/** A step of a decision. */
export function step(
  kind: DecisionStepKind,
  subject: string,
  effect: DecisionEffect,
  detail: string,
  data?: Readonly<Record<string, string>>,
): DecisionStep {
  return { kind, subject, effect, detail, ...(data === undefined ? {} : { data }) };
}

/** What was asked, as it was understood: the action behind an alias, the vCluster of a node. */
export function questionSteps(request: DecisionRequest, action: Action): DecisionStep[] {
  const group = actionGroup(action).replace("_", " ");
  const understood = request.action === action ? action : `${action} (asked as ${request.action})`;
  const { scope, policy } = request;
  return [
    step("action", action, "continue", `${understood} is a ${group} action`),
    step("scope", scopeName(request), "continue", scopeDetail(request), {
      policy_id: policy.policyId,
      ...(scope.vclusterId === undefined ? {} : { vcluster_id: scope.vclusterId }),
      ...(scope.nodeId === undefined ? {} : { node_id: scope.nodeId }),
    }),
  ];
}

function scopeName({ scope }: DecisionRequest): string {
  if (scope.global) return "global";
  return scope.nodeId === undefined ? `vc:${scope.vclusterId}` : `node:${scope.nodeId}`;
}

function scopeDetail({ scope }: DecisionRequest): string {
  if (scope.global) return "the whole site, outside every vCluster";
  if (scope.nodeId === undefined) return `vCluster ${scope.vclusterId}`;
  return scope.vclusterId === undefined
    ? `node ${scope.nodeId} is in no vCluster (ROL-4)`
    : `node ${scope.nodeId} is assigned to vCluster ${scope.vclusterId} (ROL-4)`;
}

/** That a role of the principal is tried now. */
export function roleStep(name: string, role: Role, isMachine: boolean): DecisionStep {
  const kind = role.kind === "unknown" ? "a role of the site's own, by binding only" : role.kind;
  const where = "vclusterId" in role ? ` of vCluster ${role.vclusterId}` : "";
  const who = isMachine ? "held by a machine" : "held by a person";
  return step("role", name, "continue", `${kind}${where}, ${who}`);
}

/** What the role matrix says, and which settings of the policy it read (policy.md section 5). */
export function matrixStep(
  cell: Cell,
  decided: Decision | undefined,
  request: DecisionRequest,
  action: Action,
  role: Role,
): DecisionStep {
  const column = role.kind;
  return step(
    "matrix",
    `${column}/${action}`,
    decided?.outcome ?? "continue",
    CELL_TEXT[cell](decided),
    { cell, ...settingsRead(cell, request, action) },
  );
}

const CELL_TEXT: Readonly<Record<Cell, (decided: Decision | undefined) => string>> = {
  allow: () => "the role matrix allows it",
  two: twoPersonText,
  "both-two": twoPersonText,
  human: () => "only a person who is platform admin may",
  own: () => "an agent may for its own node only",
  home: () => "an agent may for its own node, the vCluster of that node, and Global",
  "ai-exec": (decided) =>
    decided === undefined
      ? "the vCluster's policy does not allow AI principals to run commands (ai_exec_allowed)"
      : "the vCluster's policy allows it (ai_exec_allowed)",
  binding: () => "only by a role binding of the vCluster's policy",
  both: () => "the role matrix allows it between vClusters of the role",
  deny: () => "the role matrix does not allow it",
};

function twoPersonText(decided: Decision | undefined): string {
  if (decided === undefined) return "the vCluster's policy has emergency mode off";
  return decided.outcome === "approval"
    ? "allowed once a second person has approved (APR-1)"
    : "the role matrix allows it; no second person is needed here";
}

/** The settings that the answer of a cell hangs on. */
function settingsRead(
  cell: Cell,
  { policy, changesState }: DecisionRequest,
  action: Action,
): Record<string, string> {
  if (cell === "ai-exec") return { ai_exec_allowed: `${policy.aiExecAllowed}` };
  if (cell !== "two" && cell !== "both-two") return {};
  return {
    two_person_approval: `${policy.twoPersonApproval}`,
    regulated: `${policy.regulated}`,
    ...(action === "emergency_start" ? { emergency_allowed: `${policy.emergencyAllowed}` } : {}),
    ...(action === "exec" ? { changes_state: `${changesState === true}` } : {}),
  };
}

/** The binding that grants the action, or that there is none. */
export function bindingStep(
  binding: RoleBinding | undefined,
  { policy, principal }: DecisionRequest,
  action: Action,
  roleName: string,
): DecisionStep {
  const { policyId, roleBindings } = policy;
  if (binding === undefined) {
    const count = `${roleBindings.length}`;
    const detail = `no role binding gives ${action} to ${principal.principal} as ${roleName}`;
    return step("binding", policyId, "deny", detail, { role_bindings: count });
  }
  return step(
    "binding",
    policyId,
    "allow",
    `a role binding gives ${action} to ${principal.principal} as ${roleName}`,
    {
      role: binding.role,
      principals: binding.principals.join(" "),
      allowed_actions: binding.allowedActions.join(" "),
    },
  );
}

/** What was decided in the end. */
export function outcomeStep(decision: Decision): DecisionStep {
  const { outcome, role, policyRef } = decision;
  const detail = decision.outcome === "deny" ? decision.reason : `decided by role ${role}`;
  return step("outcome", policyRef, outcome, detail);
}
