import {
  actionGroup,
  decide,
  type Decision,
  type DecisionPolicy,
  parseAction,
} from "../../common/authz/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import { defaultPolicy, type Policy, type Scope } from "../../common/model/mod.ts";
import type { Replica } from "../replica/mod.ts";
import { type Caller, identityOf } from "./caller.ts";

/** A question to the policy. */
export interface AccessRequest {
  readonly caller: Caller;
  readonly action: string;
  readonly scope: Scope;
  readonly command?: string;
  readonly changesState?: boolean;
}

/** An allowed request: the role that decided and the trace stored in the entry (POL-26). */
export interface Grant {
  readonly role: string;
  readonly policyRef: string;
}

/** Decides requests against the replicated policies. */
export interface Gatekeeper {
  /** The decision alone; writes nothing. */
  decide(request: AccessRequest): Decision;
  /**
   * The grant, or a refusal; refused changes are audited first (AUD-2).
   *
   * @throws {PactError} PERMISSION_DENIED with its reason, POLICY_DENIED where two people decide.
   */
  require(request: AccessRequest): Promise<Grant>;
  /** The vCluster a scope lies in; undefined for Global and for unassigned nodes (ROL-4). */
  vclusterOf(scope: Scope): string | undefined;
  /** The policy of a vCluster, all defaults where none is stored. */
  policyOf(vclusterId: string | undefined): Policy;
}

/** A gatekeeper over the local replica (POL-1, J8). */
export function createGatekeeper(replica: Replica): Gatekeeper {
  const vclusterOf = (scope: Scope) => {
    if (scope === "Global") return undefined;
    if ("VCluster" in scope) return scope.VCluster;
    return replica.state.get("node_assignments", scope.Node)?.vcluster_id;
  };
  const policyOf = (vclusterId: string | undefined) =>
    (vclusterId === undefined ? undefined : replica.state.get("policies", vclusterId)) ??
      defaultPolicy(vclusterId ?? "none");
  const decideRequest = (request: AccessRequest): Decision => {
    const vclusterId = vclusterOf(request.scope);
    return decide({
      principal: request.caller.principal,
      action: request.action,
      scope: {
        global: request.scope === "Global",
        vclusterId,
        nodeId: request.scope !== "Global" && "Node" in request.scope
          ? request.scope.Node
          : undefined,
      },
      policy: decisionPolicy(policyOf(vclusterId)),
      changesState: request.changesState,
    });
  };
  return {
    decide: decideRequest,
    vclusterOf,
    policyOf,
    require: async (request) => {
      const decision = decideRequest(request);
      if (decision.outcome === "allow") return decision;
      const refusal = decision.outcome === "deny"
        ? new PactError("PERMISSION_DENIED", decision.reason)
        : new PactError(
          "POLICY_DENIED",
          `two people must decide on ${request.action} here, which this version cannot do yet`,
        );
      await auditRefusal(replica, request, decision.role, refusal.message);
      throw refusal;
    },
  };
}

/** The part of a policy that decisions read. */
function decisionPolicy(policy: Policy): DecisionPolicy {
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

async function auditRefusal(
  replica: Replica,
  request: AccessRequest,
  role: string,
  reason: string,
): Promise<void> {
  const action = parseAction(request.action);
  if (action === undefined || actionGroup(action) === "read") return;
  const actor = identityOf(request.caller, role === "" ? "none" : role);
  await replica.submit({
    type: "RecordOperation",
    operation: {
      actor,
      operation_type: request.action,
      scope: request.scope,
      outcome: "Denied",
      detail: reason,
      source: request.caller.remoteAddress,
      metadata: {},
    },
  }, { actor });
}
