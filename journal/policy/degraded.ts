import { type Action, actionGroup, type Decision } from "../../common/authz/mod.ts";
import type { Policy } from "../../common/model/mod.ts";
import { isReadOnly } from "../../common/rego/mod.ts";

/** Why a request is refused while the engine cannot be asked (DEG-6). */
export const ENGINE_UNAVAILABLE = "policy engine unavailable";

/** A request the roles do not refuse, and the engine cannot be asked about. */
export interface DegradedFacts {
  readonly action: Action;
  /** What the roles say. */
  readonly byRoles: Exclude<Decision, { readonly outcome: "deny" }>;
  readonly isPlatformAdmin: boolean;
  readonly policy: Pick<Policy, "policy_id" | "regulated" | "require_opa">;
  readonly mayAskForApproval: boolean;
}

/**
 * What holds while the engine is configured and cannot be asked: a request is refused where the
 * answer would depend on its rules, and else decided by the roles alone (policy.md section 8).
 */
export function decideWithoutEngine(facts: DegradedFacts): Decision {
  const { action, byRoles } = facts;
  if (facts.isPlatformAdmin || !dependsOnEngine(facts)) {
    if (byRoles.outcome === "approval") return byRoles;
    return { ...byRoles, policyRef: `degraded:${facts.policy.policy_id}:${action}` };
  }
  return {
    outcome: "deny",
    role: byRoles.role,
    policyRef: `opa:denied:${action}`,
    reason: ENGINE_UNAVAILABLE,
  };
}

function dependsOnEngine({ action, policy, mayAskForApproval }: DegradedFacts): boolean {
  const group = actionGroup(action);
  // DEG-1; what diag and audit show counts as more than a read where the vCluster is regulated.
  if (isReadOnly(action)) return group === "sensitive_read" && policy.regulated;
  // DEG-10: who may do what, and who belongs here, is not changed blindly.
  if (group === "control" || group === "registry") return true;
  if (policy.require_opa) return true;
  // DEG-9: an emergency is declared by role, or nobody could act in it.
  if (group === "emergency") return false;
  return policy.regulated || mayAskForApproval;
}
