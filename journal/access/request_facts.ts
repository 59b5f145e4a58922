import type { Principal } from "../../common/authz/mod.ts";
import type { Scope } from "../../common/model/mod.ts";
import { redactArguments } from "../../contracts/mod.ts";
import type { RequestDetails } from "../policy/mod.ts";

/** Longest text of one fact. */
const MAX_CHARS = 2048;

/** A request that was decided. */
export interface DecidedRequest {
  readonly principal: Principal;
  readonly scope: Scope;
  /** The vCluster of `scope`, as it was then (ROL-4). */
  readonly vclusterId?: string | undefined;
  readonly details?: RequestDetails | undefined;
  /** What decided (POL-26). */
  readonly policyRef?: string | undefined;
}

/**
 * What an audit record keeps of a request beside who, what and where, so that the same request can
 * be decided again by another policy. Only what the record does not say already; arguments without
 * their secrets.
 */
export function requestFacts(request: DecidedRequest): Record<string, string> {
  const { principal, scope, vclusterId, details = {}, policyRef } = request;
  const { command, args, serviceName, change } = details;
  const isNode = scope !== "Global" && "Node" in scope;
  return withoutAbsent({
    policy_ref: policyRef,
    roles: principal.roles.length > 1 ? principal.roles.join(" ") : undefined,
    vcluster: isNode ? vclusterId : undefined,
    command,
    args: args === undefined || args.length === 0 ? undefined : redactArguments(args),
    service: serviceName,
    categories: change?.categories.join(" "),
    keys: change?.keys.join(" "),
    count: change === undefined ? undefined : String(change.count),
  });
}

function withoutAbsent(facts: Readonly<Record<string, string | undefined>>) {
  const present: Record<string, string> = {};
  for (const [name, text] of Object.entries(facts)) {
    if (text !== undefined && text !== "") present[name] = text.slice(0, MAX_CHARS);
  }
  return present;
}
