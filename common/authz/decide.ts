import { type Action, actionGroup, parseAction } from "./actions.ts";
import { type Cell, matrixCell } from "./matrix.ts";
import { isMachineRole, parseRole, type Role, SERVICE_AI } from "./roles.ts";
import type {
  Decision,
  DecisionPolicy,
  DecisionRequest,
  DecisionScope,
  Principal,
  RoleBinding,
} from "./request.ts";
import type { DecisionStep, DecisionStepKind, Trace } from "./steps.ts";
import { bindingStep, matrixStep, outcomeStep, questionSteps, roleStep, step } from "./trace.ts";

const RANK = { allow: 2, approval: 1, deny: 0 } as const;

/**
 * Decides a request by the role matrix and the vCluster's bindings; deny by default (POL-2). Every
 * role the principal holds is tried and the most permissive outcome kept; a denial names the first
 * role (ROL-2). `trace` hears the steps that led there.
 *
 * @example
 * ```ts
 * import { decide } from "./decide.ts";
 * import assert from "node:assert/strict";
 *
 * const decision = decide({
 *   principal: { principal: "bo", principalType: "Human", roles: ["pact-viewer-ml"] },
 *   action: "commit",
 *   scope: { global: false, vclusterId: "ml" },
 *   policy: {
 *     policyId: "default", emergencyAllowed: true, regulated: false, twoPersonApproval: false,
 *     aiExecAllowed: false, roleBindings: [],
 *   },
 * });
 * assert.equal(decision.outcome, "deny");
 * ```
 */
export function decide(request: DecisionRequest, trace?: Trace): Decision {
  const action = parseAction(request.action);
  if (action === undefined) {
    trace?.(step("action", request.action, "deny", "pact knows no such action (POL-2)"));
    return deny("", request.action, `unknown action: ${request.action}`);
  }
  if (trace !== undefined) questionSteps(request, action).forEach(trace);
  let best: Decision | undefined;
  for (const role of request.principal.roles) {
    const decision = decideForRole(request, action, role, trace);
    if (best === undefined || RANK[decision.outcome] > RANK[best.outcome]) best = decision;
  }
  return best ?? deny("", action, "no pact role in token");
}

/**
 * The decision with the chain that led to it.
 *
 * @example
 * ```ts
 * import { explainDecision } from "./decide.ts";
 * import assert from "node:assert/strict";
 *
 * const { steps } = explainDecision({
 *   principal: { principal: "bo", principalType: "Human", roles: ["pact-ops-ml"] },
 *   action: "commit",
 *   scope: { global: false, vclusterId: "bio" },
 *   policy: {
 *     policyId: "default", emergencyAllowed: true, regulated: false, twoPersonApproval: false,
 *     aiExecAllowed: false, roleBindings: [],
 *   },
 * });
 * assert.deepEqual(steps.map(({ kind }) => kind), ["action", "scope", "role", "scope", "outcome"]);
 * ```
 */
export function explainDecision(
  request: DecisionRequest,
): { readonly decision: Decision; readonly steps: readonly DecisionStep[] } {
  const steps: DecisionStep[] = [];
  const decision = decide(request, (step) => steps.push(step));
  return { decision, steps: [...steps, outcomeStep(decision)] };
}
/** One role, in the order of POL-21. */
function decideForRole(
  request: DecisionRequest,
  action: Action,
  roleName: string,
  trace?: Trace,
): Decision {
  const { principal, scope, policy } = request;
  const role = parseRole(roleName);
  const isMachine = principal.principalType !== "Human" || isMachineRole(roleName);
  const refuse = (rule: DecisionStepKind, subject: string, reason: string) => {
    trace?.(step(rule, subject, "deny", reason));
    return deny(roleName, action, reason);
  };
  trace?.(roleStep(roleName, role, isMachine));

  if (isEmergency(action) && isMachine) {
    return roleName === SERVICE_AI
      ? refuse("matrix", "P8", "emergency mode restricted to human admins (P8)")
      : refuse("matrix", "PAuth2", "emergency mode requires a human admin (PAuth2)");
  }
  if (role.kind === "platform-admin") {
    if (isMachine && (action === "backup_restore" || action === "approve")) {
      return refuse("matrix", "ROL-3", `${action} requires a human admin (ROL-3)`);
    }
    trace?.(step("shortcut", "P6", "allow", `${roleName} may do everything a person may (P6)`));
    return allow(roleName, action, policy);
  }
  if (scope.global && !isRead(action)) {
    return refuse("scope", "ROL-5", "global scope requires pact-platform-admin role");
  }
  if (isMachine && action === "approve") {
    return refuse("matrix", "ROL-3", "approve requires a human admin (ROL-3)");
  }
  const outside = outsideScope(role, scope, roleName);
  if (outside !== undefined) return refuse("scope", "P3", outside);
  if (action === "policy_update") {
    return refuse("matrix", "POL-21", "policy_update requires pact-platform-admin role");
  }

  const cell = matrixCell(action, role) ?? "deny";
  const byMatrix = applyCell(cell, request, action, roleName);
  trace?.(matrixStep(cell, byMatrix, request, action, role));
  if (byMatrix !== undefined) return byMatrix;
  const binding = bindingFor(request, action, roleName);
  trace?.(bindingStep(binding, request, action, roleName));
  if (binding !== undefined) return byBinding(request, action, roleName, trace);
  return deny(roleName, action, denialReason(role, roleName, action, request));
}

/**
 * What a binding comes to: it gives a right, and takes nothing from the two-person rule (APR-1). In a
 * regulated vCluster machines always wait for a person (SAF-5).
 */
function byBinding(
  request: DecisionRequest,
  action: Action,
  roleName: string,
  trace?: Trace,
): Decision {
  const { policy, scope } = request;
  const { vclusterId = "" } = scope;
  const isMarkedTwo = matrixCell(action, { kind: "ops", vclusterId }) === "two";
  const waits = needsApproval(request, action, roleName) ||
    (policy.regulated && isMachineRole(roleName) && action !== "exec");
  if (!isMarkedTwo || !waits) return allow(roleName, action, policy);
  const { twoPersonApproval, regulated } = policy;
  const rule = "what takes two people takes them by a role binding, too (APR-1)";
  trace?.(step("policy", "two_person", "approval", rule, {
    two_person_approval: `${twoPersonApproval}`,
    regulated: `${regulated}`,
  }));
  return awaitApproval(roleName, action);
}

/** Outcome of a matrix cell, or undefined when only a binding can still allow. */
function applyCell(
  cell: Cell,
  request: DecisionRequest,
  action: Action,
  roleName: string,
): Decision | undefined {
  const { policy, principal, scope } = request;
  switch (cell) {
    case "allow":
      return allow(roleName, action, policy);
    case "two":
    case "both-two":
      if (action === "emergency_start" && !policy.emergencyAllowed) return undefined;
      return needsApproval(request, action, roleName)
        ? awaitApproval(roleName, action)
        : allow(roleName, action, policy);
    case "own":
      return isOwnNode(scope, principal) ? allow(roleName, action, policy) : undefined;
    case "home":
      return isHome(scope, principal) ? allow(roleName, action, policy) : undefined;
    case "ai-exec":
      return policy.aiExecAllowed ? allow(roleName, action, policy) : undefined;
    case "both":
      return allow(roleName, action, policy);
    case "human":
    case "binding":
    case "deny":
      return undefined;
  }
}

function isOwnNode(scope: DecisionScope, { nodeId }: Principal): boolean {
  return nodeId !== undefined && scope.nodeId === nodeId;
}

/** Whether a scope is the agent's node, its vCluster or Global (ROL-5); no other node of the vCluster. */
function isHome(scope: DecisionScope, principal: Principal): boolean {
  const { nodeId, vclusterId } = principal;
  if (nodeId === undefined) return false;
  if (scope.nodeId !== undefined) return scope.nodeId === nodeId;
  return scope.global || (vclusterId !== undefined && scope.vclusterId === vclusterId);
}

/** The two-person rule for an action marked 2 (APR-1, APR-3). */
function needsApproval(request: DecisionRequest, action: Action, roleName: string): boolean {
  const { policy } = request;
  if (action === "exec" && !(request.changesState === true && policy.regulated)) return false;
  if (action === "shell" && !policy.regulated) return false;
  if (action === "emergency_start") return policy.regulated && policy.twoPersonApproval;
  return policy.twoPersonApproval || parseRole(roleName).kind === "regulated";
}

/** Why a scoped role may not act here (P3, ROL-4); undefined when it may. */
function outsideScope(role: Role, scope: DecisionScope, roleName: string): string | undefined {
  if (!("vclusterId" in role) || scope.global) return undefined;
  if (scope.vclusterId === role.vclusterId) return undefined;
  const where = scope.vclusterId ?? "an unassigned node";
  return `role ${roleName} is scoped to vCluster ${role.vclusterId}, not ${where} (P3)`;
}

/** The first binding that grants `action` to the principal in `roleName`. */
function bindingFor(
  request: DecisionRequest,
  action: Action,
  roleName: string,
): RoleBinding | undefined {
  if (!isBindable(action)) return undefined;
  const isWildcardable = !isEmergency(action) && action !== "approve";
  return request.policy.roleBindings.find((binding) =>
    binding.role === roleName &&
    bindsPrincipal(binding.principals, request.principal.principal, roleName) &&
    binding.allowedActions.some((allowed) =>
      (allowed === "*" && isWildcardable) || matchesAction(allowed, action)
    )
  );
}

/** Actions `*` never stands for: they must be listed by name, these not even then (POL-24). */
function isBindable(action: Action): boolean {
  return action !== "policy_update" && action !== "lock" && action !== "backup_restore" &&
    actionGroup(action) !== "registry";
}

function bindsPrincipal(principals: readonly string[], principal: string, role: string): boolean {
  return principals.includes(principal) || (principals.includes("*") && !isMachineRole(role));
}

function matchesAction(allowed: string, action: Action): boolean {
  if (allowed === "service") return action.startsWith("service_");
  return parseAction(allowed) === action;
}

/** Stable denial texts (POL-20). */
function denialReason(
  role: Role,
  roleName: string,
  action: Action,
  request: DecisionRequest,
): string {
  const vcluster = request.scope.vclusterId ?? "none";
  if (action === "emergency_start" && !request.policy.emergencyAllowed) {
    return `policy rejection: emergency mode disabled for vCluster ${vcluster}`;
  }
  switch (role.kind) {
    case "viewer":
      return `viewer role cannot perform action: ${action} (P2)`;
    case "service-ai":
      return action === "exec" || action === "diag"
        ? `AI exec not authorized for vCluster '${vcluster}' (set ai_exec_allowed in policy)`
        : `AI agent cannot perform action: ${action}`;
    case "service-agent":
      return `service agent cannot perform action: ${action}`;
    case "unknown":
      return `unknown role: ${roleName}`;
    default:
      return `role ${roleName} cannot perform action: ${action}`;
  }
}

function allow(role: string, action: Action, policy: DecisionPolicy): Decision {
  return { outcome: "allow", role, policyRef: `rbac:${policy.policyId}:${action}` };
}

function awaitApproval(role: string, action: Action): Decision {
  return { outcome: "approval", role, policyRef: `rbac:deferred:${action}` };
}

function deny(role: string, action: string, reason: string): Decision {
  return { outcome: "deny", role, policyRef: `rbac:denied:${action}`, reason };
}

function isEmergency(action: Action): boolean {
  return actionGroup(action) === "emergency";
}

function isRead(action: Action): boolean {
  const group = actionGroup(action);
  return group === "read" || group === "delegated_read";
}
