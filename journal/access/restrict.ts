import {
  type Decision,
  type DecisionStep,
  PLATFORM_ADMIN,
  step,
  type Trace,
} from "../../common/authz/mod.ts";
import {
  decideWithoutEngine,
  type PolicyEngine,
  policyInput,
  type Verdict,
} from "../policy/mod.ts";

/** The engine a gatekeeper asks. */
export interface Restriction {
  readonly engine: PolicyEngine;
  readonly nowMs: () => number;
  /** Whether rules bind platform admins too, who may else do everything (P6). */
  readonly bindsPlatformAdmin: boolean;
}

/** A decision of roles and engine. */
export interface RestrictedDecision {
  readonly decision: Decision;
  /** Whether the rules want even a read on record (OPA-5). */
  readonly auditRead: boolean;
}

/** A decision of the roles that is no refusal, and the facts that rules may look at. */
export type Allowed =
  & Omit<Parameters<typeof policyInput>[0], "role" | "nowMs">
  & { readonly byRoles: Exclude<Decision, { readonly outcome: "deny" }> };

/** Asks the engine about what the roles allow; it can only make the answer stricter (OPA-6). */
export async function restrict(
  { engine, nowMs, bindsPlatformAdmin }: Restriction,
  allowed: Allowed,
  trace?: Trace,
): Promise<RestrictedDecision> {
  const { byRoles, action, policy, vclusterId } = allowed;
  const isPlatformAdmin = byRoles.role === PLATFORM_ADMIN;
  if (isPlatformAdmin && !bindsPlatformAdmin) {
    trace?.(
      step("engine", "P6", "continue", "the rules of the engine do not bind platform admins"),
    );
    return { decision: byRoles, auditRead: false };
  }
  const input = policyInput({ ...allowed, role: byRoles.role, nowMs: nowMs() });
  const verdict = await engine.restrict(input);
  trace?.(verdictStep(verdict));
  if (verdict.outcome === "unavailable") {
    const mayAskForApproval = vclusterId !== undefined && engine.mayAskForApproval(vclusterId);
    const decision = decideWithoutEngine({
      action,
      byRoles,
      isPlatformAdmin,
      policy,
      mayAskForApproval,
    });
    return { decision, auditRead: false };
  }
  return {
    decision: stricter(allowed, verdict, isPlatformAdmin),
    auditRead: verdict.outcome !== "deny" && verdict.auditRead,
  };
}

/** What the engine said, as a step of the decision. */
function verdictStep(verdict: Verdict): DecisionStep {
  switch (verdict.outcome) {
    case "allow":
      return step("engine", "pact.authz", "continue", "no rule speaks against it (OPA-6)");
    case "approval":
      return step("engine", verdict.rule, "approval", "a rule asks for a second person (OPA-5)");
    case "deny":
      return step("engine", verdict.rule, "deny", verdict.reason);
    case "unavailable": {
      const detail = `the engine could not be asked (${verdict.cause}): the degraded table decides`;
      return step("engine", "DEG-6, DEG-7", "continue", detail);
    }
  }
}

function stricter(
  { byRoles, action, policy }: Allowed,
  verdict: Exclude<Verdict, { readonly outcome: "unavailable" }>,
  isPlatformAdmin: boolean,
): Decision {
  const { role } = byRoles;
  if (verdict.outcome === "deny") {
    return { outcome: "deny", role, policyRef: `opa:denied:${action}`, reason: verdict.reason };
  }
  if (byRoles.outcome === "approval") return byRoles;
  // A platform admin needs nobody's consent (APR-2).
  if (verdict.outcome === "approval" && !isPlatformAdmin) {
    return { outcome: "approval", role, policyRef: `rbac:deferred:${action}` };
  }
  return { outcome: "allow", role, policyRef: `opa:${policy.policy_id}:${action}` };
}
