import { defaultPolicy, type Policy } from "../../common/model/mod.ts";
import { ROLE_FACTS, type RoleFacts } from "../../common/rego/mod.ts";
import type { StateView } from "../state/mod.ts";

/** What rules may read of a vCluster under `data.pact.vclusters` (OPA-9). */
export interface VClusterFacts {
  readonly policy: Policy;
  readonly nodes: number;
}

/** The data that engines are fed, each below `data.pact`. */
export interface PolicyData {
  readonly roles: Readonly<Record<string, RoleFacts>>;
  readonly vclusters: Readonly<Record<string, VClusterFacts>>;
}

/** What engines are fed from the replicated state: roles, and each vCluster that has a policy or nodes. */
export function policyData(state: StateView): PolicyData {
  const nodes = new Map<string, number>();
  for (const [id] of state.list("policies")) nodes.set(id, 0);
  for (const [, { vcluster_id: id }] of state.list("node_assignments")) {
    nodes.set(id, (nodes.get(id) ?? 0) + 1);
  }
  const vclusters: Record<string, VClusterFacts> = {};
  for (const [id, count] of nodes) {
    vclusters[id] = { policy: state.get("policies", id) ?? defaultPolicy(id), nodes: count };
  }
  return { roles: ROLE_FACTS, vclusters };
}
