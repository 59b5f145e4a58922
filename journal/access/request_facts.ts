import type { Principal } from "../../common/authz/mod.ts";
import type { Scope } from "../../common/model/mod.ts";
import { redactArguments } from "../../contracts/mod.ts";
import type { RequestDetails } from "../policy/mod.ts";

/** Longest text of one fact. */
const MAX_CHARS = 2048;

/** What was decided about a request. */
export interface DecidedRequest {
  readonly scope: Scope;
  /** The vCluster of `scope`, as it was then (ROL-4). */
  readonly vclusterId?: string | undefined;
  readonly details?: RequestDetails | undefined;
  /** What decided (POL-26). */
  readonly policyRef?: string | undefined;
}

/**
 * What an audit record keeps of a principal's request beside who, what and where, so that the same
 * request can be decided again by another policy. Only what the record does not say already;
 * arguments without their secrets.
 */
export function requestFacts(
  { roles }: Principal,
  { scope, vclusterId, details, policyRef }: DecidedRequest,
): Record<string, string> {
  const facts: Record<string, string> = {};
  const add = (name: string, text: string | undefined) => {
    if (text !== undefined && text !== "") facts[name] = text.slice(0, MAX_CHARS);
  };
  add("policy_ref", policyRef);
  if (roles.length > 1) add("roles", roles.join(" "));
  if (scope !== "Global" && "Node" in scope) add("vcluster", vclusterId);
  if (details === undefined) return facts;
  const { command, args = [], serviceName, change } = details;
  add("command", command);
  if (args.length > 0) add("args", redactArguments(args));
  add("service", serviceName);
  if (change === undefined) return facts;
  add("categories", change.categories.join(" "));
  add("keys", change.keys.join(" "));
  add("count", String(change.count));
  return facts;
}
