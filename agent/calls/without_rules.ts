import { actionGroup, parseAction } from "../../common/authz/mod.ts";
import { RefusedError } from "../entries/mod.ts";
import type { CallGrant, NodeStanding } from "./access.ts";

/**
 * What holds where the site's rules decide and the journal, which asks them, is out of reach: the
 * roles alone, but not where the vCluster is regulated or wants nothing done without its rules
 * (DEG-1, DEG-6, DEG-8, DEG-9).
 *
 * @throws {RefusedError} POLICY_DENIED where the answer would depend on the rules.
 */
export function withoutRules(
  { rulesApply, policy }: NodeStanding,
  grant: CallGrant,
  action: string,
): CallGrant {
  if (rulesApply !== true || grant.isPlatformAdmin) return grant;
  if (!dependsOnRules(action, policy)) {
    return { ...grant, policyRef: `degraded:${policy?.policyId || "default"}:${action}` };
  }
  throw new RefusedError("POLICY_DENIED", "policy engine unavailable");
}

function dependsOnRules(name: string, policy: NodeStanding["policy"]): boolean {
  const action = parseAction(name);
  if (action === undefined) return true;
  const group = actionGroup(action);
  if (group === "read" || group === "delegated_read") return false;
  const isRegulated = policy?.regulated === true;
  if (group === "sensitive_read") return isRegulated;
  if (policy?.requireOpa === true) return true;
  return group !== "emergency" && isRegulated;
}
