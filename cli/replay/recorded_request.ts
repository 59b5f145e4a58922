import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { journal } from "../../api/mod.ts";
import { type Action, actionOfOperation, SERVICE_AGENT } from "../../common/authz/mod.ts";
import { IdentitySchema, type Scope } from "../../common/model/mod.ts";
import type { RequestDetails } from "../../common/rego/mod.ts";
import { scopeFromWire } from "../../common/wire/mod.ts";

/** A request that a policy decided, as its audit record tells it. */
export interface RecordedRequest {
  readonly id: string;
  readonly atMs: number;
  readonly principal: string;
  readonly principalType: "Human" | "Agent" | "Service";
  readonly roles: readonly string[];
  readonly action: Action;
  readonly scope: Scope;
  readonly vclusterId: string | undefined;
  readonly nodeId: string | undefined;
  readonly details: RequestDetails;
  readonly changesState: boolean;
  readonly source: string;
  /** What was decided then, and by what. */
  readonly outcome: "allow" | "approval" | "deny";
  readonly policyRef: string;
  readonly reason: string;
}

/**
 * The request of a record; undefined where no policy decided: what a node's agent notes of its own
 * doing, what failed for another reason, and records without the trace of a decision (POL-26).
 */
export function recordedRequest(record: journal.AuditRecord): RecordedRequest | undefined {
  const action = actionOfOperation(record.operationType);
  const policyRef = record.metadata["policy_ref"] ?? "";
  const outcome = outcomeOf(record.outcome, policyRef);
  const actor = IdentitySchema.safeParse({
    principal: record.actor?.principal,
    principal_type: record.actor?.principalType,
    role: record.actor?.role,
  });
  if (action === undefined || outcome === undefined || !actor.success) return undefined;
  if (actor.data.role === SERVICE_AGENT) return undefined;
  const scope = scopeFromWire(record.scope);
  const { metadata } = record;
  return {
    id: record.id,
    atMs: record.timestamp === undefined ? 0 : timestampMs(record.timestamp),
    principal: actor.data.principal,
    principalType: actor.data.principal_type,
    roles: metadata["roles"]?.split(" ") ?? rolesOf(actor.data.role),
    action,
    scope,
    vclusterId: scope === "Global"
      ? undefined
      : "VCluster" in scope
      ? scope.VCluster
      : metadata["vcluster"],
    nodeId: scope !== "Global" && "Node" in scope ? scope.Node : undefined,
    details: detailsOf(metadata),
    changesState: metadata["class"] !== "read-only",
    source: record.source,
    outcome,
    policyRef,
    reason: record.detail,
  };
}

/** Recorded as `none` where the token had no role. */
function rolesOf(role: string): string[] {
  return role === "none" ? [] : [role];
}

function outcomeOf(outcome: string, policyRef: string): RecordedRequest["outcome"] | undefined {
  if (/^(?:rbac|opa):denied:/.test(policyRef)) return "deny";
  if (/^(?:rbac:deferred:|approved:)/.test(policyRef)) return "approval";
  if (outcome !== "Success" || policyRef.startsWith("rbac:own-node:")) return undefined;
  return /^(?:rbac|opa|degraded):/.test(policyRef) ? "allow" : undefined;
}

function detailsOf(metadata: Readonly<Record<string, string>>): RequestDetails {
  const { command, args, service, categories, keys, count } = metadata;
  return {
    command,
    args: args?.split(" "),
    serviceName: service,
    change: categories === undefined ? undefined : {
      categories: categories.split(" "),
      keys: keys?.split(" ") ?? [],
      count: Number(count ?? 0),
    },
  };
}
