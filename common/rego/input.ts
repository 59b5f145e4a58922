import { type Action, actionGroup, type Principal } from "../authz/mod.ts";
import { DELTA_CATEGORIES, type Policy, type StateDelta } from "../model/mod.ts";

/** What a change touches, its keys as `category:key` (OPA-4). */
export interface ChangeFacts {
  readonly categories: readonly string[];
  readonly keys: readonly string[];
  readonly count: number;
}

/** What of a request beyond who, what and where its rules may look at. */
export interface RequestDetails {
  readonly command?: string | undefined;
  readonly args?: readonly string[] | undefined;
  readonly serviceName?: string | undefined;
  readonly change?: ChangeFacts | undefined;
  /** The one drift category that is asked about; those of `change` unless given. */
  readonly driftCategory?: string | undefined;
  /** Whether the caller's node is in an emergency that the journal may not know of yet. */
  readonly emergencyMode?: boolean | undefined;
}

/** The document that rules see as `input` (OPA-4). */
export interface PolicyInput {
  readonly identity: {
    readonly principal: string;
    readonly role: string;
    readonly roles: readonly string[];
    readonly principal_type: string;
  };
  readonly action: string;
  /** The canonical action where `action` is the coarse one of OPA-7. */
  readonly action_detail?: string;
  readonly scope: {
    readonly vcluster: string | null;
    readonly node: string | null;
    readonly global: boolean;
  };
  readonly command?: string;
  readonly args?: readonly string[];
  readonly role: string;
  readonly principal: string;
  readonly vcluster: string | null;
  readonly service_name?: string;
  readonly drift_category?: string;
  readonly emergency_mode: boolean;
  readonly change?: ChangeFacts;
  readonly policy: {
    readonly regulated: boolean;
    readonly two_person_approval: boolean;
    readonly enforcement_mode: string;
  };
  readonly time: string;
  readonly source: string;
}

/** What an input is made from. */
export interface InputFacts {
  readonly principal: Principal;
  /** The role that allowed the request. */
  readonly role: string;
  readonly action: Action;
  readonly vclusterId: string | undefined;
  readonly nodeId: string | undefined;
  readonly policy: Policy;
  readonly emergencyMode: boolean;
  readonly details: RequestDetails;
  readonly source: string;
  readonly nowMs: number;
}

/** The input of a request, with the flat names that older site rules read (OPA-4). */
export function policyInput(facts: InputFacts): PolicyInput {
  const { principal, role, policy, details } = facts;
  const vcluster = facts.vclusterId ?? null;
  const node = facts.nodeId ?? null;
  return {
    identity: {
      principal: principal.principal,
      role,
      roles: principal.roles,
      principal_type: principal.principalType,
    },
    action: facts.action,
    scope: { vcluster, node, global: vcluster === null && node === null },
    ...(details.command === undefined ? {} : { command: details.command }),
    ...(details.args === undefined ? {} : { args: details.args }),
    role,
    principal: principal.principal,
    vcluster,
    ...(details.serviceName === undefined ? {} : { service_name: details.serviceName }),
    ...(details.driftCategory === undefined ? {} : { drift_category: details.driftCategory }),
    emergency_mode: facts.emergencyMode || details.emergencyMode === true,
    ...(details.change === undefined ? {} : { change: details.change }),
    policy: {
      regulated: policy.regulated,
      two_person_approval: policy.two_person_approval,
      enforcement_mode: policy.enforcement_mode,
    },
    time: new Date(facts.nowMs).toISOString(),
    source: facts.source,
  };
}

/** What `delta` changes, as rules see it; undefined where it changes nothing. */
export function changeFacts(delta: StateDelta | undefined): ChangeFacts | undefined {
  if (delta === undefined) return undefined;
  const categories: string[] = [];
  const keys: string[] = [];
  for (const category of DELTA_CATEGORIES) {
    const items = delta[category] ?? [];
    if (items.length > 0) categories.push(category);
    for (const { key } of items) keys.push(`${category}:${key}`);
  }
  return keys.length === 0 ? undefined : { categories, keys, count: keys.length };
}

/**
 * Whether an engine is asked about `action`: about every change and about `diag`, and where the
 * vCluster is regulated about what is only read as well (OPA-8).
 */
export function isAsked(action: Action, { regulated }: Pick<Policy, "regulated">): boolean {
  return regulated || action === "diag" || !isReadOnly(action);
}

/** Whether an action changes nothing. */
export function isReadOnly(action: Action): boolean {
  const group = actionGroup(action);
  return group === "read" || group === "delegated_read" || group === "sensitive_read";
}
