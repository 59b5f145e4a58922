import { type Action, actionGroup, parseAction } from "./actions.ts";
import { type Cell, matrixCell } from "./matrix.ts";
import { isMachineRole, parseRole, type Role, SERVICE_AI } from "./roles.ts";

/** Who asks. All of it comes from a verified credential. */
export interface Principal {
  readonly principal: string;
  readonly principalType: "Human" | "Agent" | "Service";
  readonly roles: readonly string[];
  /** Node of an agent certificate. */
  readonly nodeId?: string | undefined;
}

/** Where the action applies, the vCluster of a node already resolved (ROL-4). */
export interface DecisionScope {
  readonly global: boolean;
  readonly vclusterId?: string | undefined;
  readonly nodeId?: string | undefined;
}

/** What of the vCluster's policy the decision reads. */
export interface DecisionPolicy {
  readonly policyId: string;
  readonly emergencyAllowed: boolean;
  readonly regulated: boolean;
  readonly twoPersonApproval: boolean;
  readonly aiExecAllowed: boolean;
  readonly roleBindings: readonly {
    readonly role: string;
    readonly principals: readonly string[];
    readonly allowedActions: readonly string[];
  }[];
}

/** A request for a decision. */
export interface DecisionRequest {
  readonly principal: Principal;
  /** Action as named by the caller; aliases are understood. */
  readonly action: string;
  readonly scope: DecisionScope;
  readonly policy: DecisionPolicy;
  /** Whether the command changes state; decides the two-person rule of exec (APR-3). */
  readonly changesState?: boolean | undefined;
}

/** The answer; `policyRef` is stored in the entry (POL-26). */
export type Decision =
  | { readonly outcome: "allow"; readonly role: string; readonly policyRef: string }
  | { readonly outcome: "approval"; readonly role: string; readonly policyRef: string }
  | {
    readonly outcome: "deny";
    readonly role: string;
    readonly policyRef: string;
    readonly reason: string;
  };

const RANK = { allow: 2, approval: 1, deny: 0 } as const;

/**
 * Decides a request by the role matrix and the vCluster's bindings; deny by default (POL-2). Every
 * role the principal holds is tried and the most permissive outcome kept; a denial names the first
 * role (ROL-2).
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
export function decide(request: DecisionRequest): Decision {
  const action = parseAction(request.action);
  if (action === undefined) return deny("", request.action, `unknown action: ${request.action}`);
  let best: Decision | undefined;
  for (const role of request.principal.roles) {
    const decision = decideForRole(request, action, role);
    if (best === undefined || RANK[decision.outcome] > RANK[best.outcome]) best = decision;
  }
  return best ?? deny("", action, "no pact role in token");
}

/** One role, in the order of POL-21. */
function decideForRole(request: DecisionRequest, action: Action, roleName: string): Decision {
  const { principal, scope, policy } = request;
  const role = parseRole(roleName);
  const refuse = (reason: string) => deny(roleName, action, reason);
  const isMachine = principal.principalType !== "Human" || isMachineRole(roleName);

  if (isEmergency(action) && isMachine) {
    return refuse(
      roleName === SERVICE_AI
        ? "emergency mode restricted to human admins (P8)"
        : "emergency mode requires a human admin (PAuth2)",
    );
  }
  if (role.kind === "platform-admin") {
    if (isMachine && (action === "backup_restore" || action === "approve")) {
      return refuse(`${action} requires a human admin (ROL-3)`);
    }
    return allow(roleName, action, policy);
  }
  if (scope.global && !isRead(action)) {
    return refuse("global scope requires pact-platform-admin role");
  }
  if (isMachine && action === "approve") return refuse("approve requires a human admin (ROL-3)");
  const outside = outsideScope(role, scope, roleName);
  if (outside !== undefined) return refuse(outside);
  if (action === "policy_update") return refuse("policy_update requires pact-platform-admin role");

  const cell = matrixCell(action, role) ?? "deny";
  const byMatrix = applyCell(cell, request, action, roleName);
  if (byMatrix !== undefined) return byMatrix;
  if (hasBinding(request, action, roleName)) return allow(roleName, action, policy);
  return refuse(denialReason(role, roleName, action, request));
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
        ? { outcome: "approval", role: roleName, policyRef: `rbac:deferred:${action}` }
        : allow(roleName, action, policy);
    case "own":
      return principal.nodeId !== undefined && isOwn(scope, principal.nodeId)
        ? allow(roleName, action, policy)
        : undefined;
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

/** Whether a scope is the agent's own node; its vCluster is readable, not another node of it. */
function isOwn(scope: DecisionScope, nodeId: string): boolean {
  return scope.nodeId === nodeId || (scope.nodeId === undefined && scope.vclusterId !== undefined);
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

/** Actions `*` never stands for: they must be listed by name, some not even then (POL-24). */
function hasBinding(request: DecisionRequest, action: Action, roleName: string): boolean {
  const group = actionGroup(action);
  if (action === "policy_update" || action === "backup_restore" || group === "registry") {
    return false;
  }
  const isWildcardable = group !== "emergency" && action !== "approve";
  return request.policy.roleBindings.some((binding) =>
    binding.role === roleName &&
    bindsPrincipal(binding.principals, request.principal.principal, roleName) &&
    binding.allowedActions.some((allowed) =>
      (allowed === "*" && isWildcardable) || matchesAction(allowed, action)
    )
  );
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
