import type { agentport, policy } from "../../api/mod.ts";
import {
  decide,
  type DecisionPolicy,
  parseRole,
  PLATFORM_ADMIN,
  type Principal,
} from "../../common/authz/mod.ts";
import { RefusedError } from "../entries/mod.ts";
import type { Author } from "../entries/mod.ts";

/** Where the node stands, as decisions need it. */
export interface NodeStanding {
  readonly nodeId: string;
  /** Empty while the node is assigned to none. */
  readonly vclusterId: string;
  readonly policy: policy.VClusterPolicy | undefined;
  /** Viewers may run what reads (POL-23). */
  readonly viewerExec: boolean;
  /** The node could not boot: only platform admins may do anything (SHS-8). */
  readonly isBootFailed?: boolean;
  /** Rules of the site decide beside the roles, and only the journal can ask them (POL-1). */
  readonly rulesApply?: boolean;
}

/** An allowed call. */
export interface CallGrant {
  readonly author: Author;
  readonly policyRef: string;
  /** A second person has to agree first (policy.md section 6). */
  readonly needsApproval: boolean;
  readonly isPlatformAdmin: boolean;
  /** Only what changes nothing (EXE-10, EXE-11). */
  readonly readOnlyOnly: boolean;
}

/**
 * Decides on a call that cannot wait for a second person.
 *
 * @throws {RefusedError} PERMISSION_DENIED with its reason, POLICY_DENIED where two people decide.
 */
export function grantCall(
  standing: NodeStanding,
  caller: agentport.Caller,
  action: string,
): CallGrant {
  const grant = admitCall(standing, caller, action);
  if (!grant.needsApproval) return grant;
  throw new RefusedError(
    "POLICY_DENIED",
    `two people must decide on ${action} here, and this call cannot wait for the second`,
  );
}

/**
 * Decides on a call with the policy the node last got (SHS-3, POL-1).
 *
 * @throws {RefusedError} PERMISSION_DENIED with its reason.
 */
export function admitCall(
  standing: NodeStanding,
  caller: agentport.Caller,
  action: string,
  changesState = false,
): CallGrant {
  const principal = principalOf(caller);
  if (standing.isBootFailed === true && !principal.roles.includes(PLATFORM_ADMIN)) {
    throw new RefusedError("PERMISSION_DENIED", "the node is in BootFailed: platform admins only");
  }
  const decision = decide({
    principal,
    action,
    scope: {
      global: false,
      nodeId: standing.nodeId,
      vclusterId: standing.vclusterId === "" ? undefined : standing.vclusterId,
    },
    policy: decisionPolicy(standing.policy),
    changesState,
  });
  if (decision.outcome !== "deny") {
    return {
      author: authorOf(principal, decision.role),
      policyRef: decision.policyRef,
      needsApproval: decision.outcome === "approval",
      isPlatformAdmin: decision.role === PLATFORM_ADMIN,
      readOnlyOnly: parseRole(decision.role).kind === "service-ai",
    };
  }
  const viewer = action === "exec" ? viewerRole(standing, principal) : undefined;
  if (viewer === undefined) throw new RefusedError("PERMISSION_DENIED", decision.reason);
  return {
    author: authorOf(principal, viewer),
    policyRef: "rbac:viewer_exec:exec",
    needsApproval: false,
    isPlatformAdmin: false,
    readOnlyOnly: true,
  };
}

/** The viewer role that the node's own setting lets run commands (EXE-10). */
function viewerRole(standing: NodeStanding, principal: Principal): string | undefined {
  if (!standing.viewerExec || principal.principalType !== "Human") return undefined;
  return principal.roles.find((name) => {
    const role = parseRole(name);
    return role.kind === "viewer" && role.vclusterId === standing.vclusterId;
  });
}

/** Who calls, as decisions see them. */
export function principalOf({ principal, principalType, roles }: agentport.Caller): Principal {
  const type = principalType === "Human" || principalType === "Agent" ? principalType : "Service";
  return { principal, principalType: type, roles };
}

function authorOf({ principal, principalType }: Principal, role: string): Author {
  return { principal, principalType, role };
}

/** Without a policy the strictest reading of the defaults holds. */
function decisionPolicy(message: policy.VClusterPolicy | undefined): DecisionPolicy {
  return {
    policyId: message?.policyId || "default",
    emergencyAllowed: message?.emergencyAllowed ?? false,
    regulated: message?.regulated ?? false,
    twoPersonApproval: message?.twoPersonApproval ?? false,
    aiExecAllowed: message?.aiExecAllowed ?? false,
    roleBindings: message?.roleBindings ?? [],
  };
}
