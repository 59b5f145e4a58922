import {
  decide,
  type Decision,
  lockedDecision,
  lockOnCaller,
  lockOnScope,
} from "../../common/authz/mod.ts";
import {
  decisionPolicy,
  defaultPolicy,
  type Identity,
  type Policy,
  type Scope,
} from "../../common/model/mod.ts";
import { lockIn } from "./locks.ts";
import type { DocumentsView } from "./view.ts";

/** The vCluster a scope lies in; undefined for Global and for unassigned nodes (ROL-4). */
export function vclusterOfScope(view: DocumentsView, scope: Scope): string | undefined {
  if (scope === "Global") return undefined;
  if ("VCluster" in scope) return scope.VCluster;
  return view.get("node_assignments", scope.Node)?.vcluster_id;
}

/** The stored policy of a vCluster, or the defaults. */
export function policyIn(view: DocumentsView, vclusterId: string | undefined): Policy {
  const stored = vclusterId === undefined ? undefined : view.get("policies", vclusterId);
  return stored ?? defaultPolicy(vclusterId ?? "none");
}

/**
 * What locks, roles and policies of this state say at a moment to somebody who acts in one recorded
 * role.
 */
export function decideFor(
  view: DocumentsView & { readonly nowMs: number },
  { principal: name, principal_type, role }: Identity,
  action: string,
  scope: Scope,
): Decision {
  const vclusterId = vclusterOfScope(view, scope);
  const nodeId = scope !== "Global" && "Node" in scope ? scope.Node : undefined;
  const principal = { principal: name, principalType: principal_type, roles: [role] };
  const lock = lockOnCaller(lockIn(view), { principal }, view.nowMs) ??
    lockOnScope(lockIn(view), principal, { nodeId, vclusterId }, view.nowMs);
  if (lock !== undefined) return lockedDecision(lock, role);
  return decide({
    principal,
    action,
    scope: { global: scope === "Global", vclusterId, nodeId },
    policy: decisionPolicy(policyIn(view, vclusterId)),
    changesState: true,
  });
}
