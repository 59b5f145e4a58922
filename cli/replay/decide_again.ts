import { decide, type Decision, PLATFORM_ADMIN } from "../../common/authz/mod.ts";
import { decisionPolicy, type Policy } from "../../common/model/mod.ts";
import {
  isAsked,
  policyInput,
  questionsOf,
  ROLE_FACTS,
  strictest,
  verdictOf,
} from "../../common/rego/mod.ts";
import type { CompiledPolicy } from "../../common/rego_wasm/mod.ts";
import type { RecordedRequest } from "./recorded_request.ts";

/** By what requests are decided again. */
export interface Replay {
  /** The policy of each vCluster, changed ones included; the defaults' for none. */
  readonly policyOf: (vclusterId: string | undefined) => Policy;
  /** Rules that restrict what roles allow; without them the roles alone decide. */
  readonly rules: CompiledPolicy | undefined;
  /** Whether the rules bind platform admins, too (`policy.engine.bind_platform_admin`). */
  readonly bindsPlatformAdmin: boolean;
}

/** What would be decided now. */
export interface Reconsidered {
  readonly outcome: "allow" | "approval" | "deny";
  readonly reason: string;
  /** The rule or role that says so. */
  readonly by: string;
}

/** What the data document has to hold for rules that read of roles and vClusters (OPA-9). */
export function replayData(policies: readonly Policy[]): object {
  const vclusters = policies.map((policy) => [policy.vcluster_id, { policy, nodes: 0 }] as const);
  return { pact: { roles: ROLE_FACTS, vclusters: Object.fromEntries(vclusters) } };
}

/** Decides a recorded request as the journal would: first the roles, then what restricts them. */
export function decideAgain(replay: Replay, request: RecordedRequest): Reconsidered {
  const { principal, principalType, roles, action, scope, vclusterId, nodeId } = request;
  const policy = replay.policyOf(vclusterId);
  const who = { principal, principalType, roles };
  const byRoles = decide({
    principal: who,
    action,
    scope: { global: scope === "Global", vclusterId, nodeId },
    policy: decisionPolicy(policy),
    changesState: request.changesState,
  });
  const { outcome, role } = byRoles;
  if (byRoles.outcome === "deny") return { outcome: "deny", reason: byRoles.reason, by: "roles" };
  const isAdmin = role === PLATFORM_ADMIN;
  const { rules } = replay;
  const isFree = isAdmin && !replay.bindsPlatformAdmin;
  if (rules === undefined || isFree || !isAsked(action, policy)) {
    return { outcome, reason: reasonFor(byRoles), by: "roles" };
  }
  const input = policyInput({
    ...{ principal: who, role, action, vclusterId, nodeId, policy },
    details: request.details,
    emergencyMode: false,
    source: request.source,
    nowMs: request.atMs,
  });
  const verdict = strictest(questionsOf(input).map((each) => verdictOf(each, rules.ask(each))));
  if (verdict.outcome === "deny") {
    return { outcome: "deny", reason: verdict.reason, by: verdict.rule };
  }
  if (verdict.outcome === "approval" && !isAdmin) {
    return { outcome: "approval", reason: "a rule asks for a second person", by: verdict.rule };
  }
  return { outcome, reason: reasonFor(byRoles), by: "roles" };
}

function reasonFor({ outcome, role }: Decision): string {
  return outcome === "approval" ? `role ${role}, once a second person agrees` : `role ${role}`;
}
