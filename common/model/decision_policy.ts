import type { DecisionPolicy } from "../authz/mod.ts";
import type { Policy } from "./policy.ts";

/** The part of a policy that decisions read. */
export function decisionPolicy(policy: Policy): DecisionPolicy {
  return {
    policyId: policy.policy_id,
    emergencyAllowed: policy.emergency_allowed,
    regulated: policy.regulated,
    twoPersonApproval: policy.two_person_approval,
    aiExecAllowed: policy.ai_exec_allowed,
    roleBindings: policy.role_bindings.map((binding) => ({
      role: binding.role,
      principals: binding.principals,
      allowedActions: binding.allowed_actions,
    })),
  };
}
