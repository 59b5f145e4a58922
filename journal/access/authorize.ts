import {
  type Action,
  actionGroup,
  decide,
  type Decision,
  lockedDecision,
  type LockFacts,
  lockKey,
  operationType,
  parseAction,
  PLATFORM_ADMIN,
  type Principal,
  step,
  type Trace,
} from "../../common/authz/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import {
  decisionPolicy,
  defaultPolicy,
  type Policy,
  type Scope,
  scopeText,
} from "../../common/model/mod.ts";
import { isAsked, isReadOnly, type RequestDetails } from "../policy/mod.ts";
import type { Replica } from "../replica/mod.ts";
import { emergencyOf, vclusterOfScope } from "../state/mod.ts";
import { type Caller, identityOf } from "./caller.ts";
import { type LockBook, lockedError } from "./lock_book.ts";
import { requestFacts } from "./request_facts.ts";
import { restrict, type RestrictedDecision, type Restriction } from "./restrict.ts";

/** Most default policies kept at once. */
const MAX_DEFAULT_POLICIES = 1_000;

/** A question to the policy. */
export interface AccessRequest {
  readonly caller: Caller;
  readonly action: string;
  readonly scope: Scope;
  /** Whether an exec changes state; what is not known to be harmless does (APR-3). */
  readonly changesState?: boolean;
  /** What the rules of an engine may look at besides (OPA-4); made only where one is asked. */
  readonly details?: () => RequestDetails;
}

/** An allowed request: the role that decided and the trace stored in the entry (POL-26). */
export interface Grant {
  readonly role: string;
  readonly policyRef: string;
  /** The request must wait for a second person (policy.md section 6). */
  readonly needsApproval?: boolean;
  /** Others would have had to wait for a second person (APR-2). */
  readonly isExempt?: boolean;
}

/** Decides requests against the replicated policies. */
export interface Gatekeeper {
  /** Whether an engine restricts what roles allow. */
  readonly hasEngine: boolean;
  /** What the roles say, without the engine: for what is filtered row by row. Writes nothing. */
  decide(request: AccessRequest): Decision;
  /**
   * Which scopes a caller may read, for lists: by roles for each, and where the vCluster is regulated
   * by the engine too, which is asked once for each such vCluster (OPA-8).
   */
  readable(caller: Caller, action: string): Promise<(scope: Scope) => boolean>;
  /** The decision by roles and engine; writes nothing. `trace` hears the steps that lead to it. */
  evaluate(request: AccessRequest, trace?: Trace): Promise<Decision>;
  /**
   * The grant, or a refusal; refused changes are audited first (AUD-2). For requests that cannot
   * wait for a second person.
   *
   * @throws {PactError} PERMISSION_DENIED with its reason, POLICY_DENIED where two people decide.
   */
  require(request: AccessRequest): Promise<Grant>;
  /**
   * As `require`, for requests that can wait: the grant says whether this one must. Where roles alone
   * decide it is there at once.
   *
   * @throws {PactError} PERMISSION_DENIED with its reason.
   */
  admit(request: AccessRequest): Grant | Promise<Grant>;
  /**
   * Refuses for a reason that lies outside the policy; audited all the same (AUD-2).
   *
   * @throws {PactError} `refusal`, always.
   */
  refuse(request: AccessRequest, refusal: PactError): Promise<never>;
  /** The vCluster a scope lies in; undefined for Global and for unassigned nodes (ROL-4). */
  vclusterOf(scope: Scope): string | undefined;
  /** The policy of a vCluster, all defaults where none is stored. */
  policyOf(vclusterId: string | undefined): Policy;
}

/** What a gatekeeper works with besides the replica. */
export interface GatekeeperOptions {
  /** Hears of every refusal. */
  readonly onDenied?: (action: string) => void;
  /** The engine that restricts what roles allow; without one the roles alone decide. */
  readonly restriction?: Restriction | undefined;
  /** Who and what is kept out, whatever roles allow. */
  readonly locks?: Pick<LockBook, "isEmpty" | "onCaller" | "onScope"> | undefined;
}

/** A gatekeeper over the local replica (POL-1, J8). */
export function createGatekeeper(
  replica: Replica,
  { onDenied = () => {}, restriction, locks }: GatekeeperOptions = {},
): Gatekeeper {
  const refuse = async (
    request: AccessRequest,
    refusal: PactError,
    policyRef?: string,
  ): Promise<never> => {
    onDenied(parseAction(request.action) ?? "unknown");
    const vclusterId = vclusterOf(request.scope);
    await record(replica, request, {
      outcome: "Denied",
      detail: refusal.message,
      policyRef,
      vclusterId,
    });
    throw refusal;
  };
  const vclusterOf = (scope: Scope) => vclusterOfScope(replica.state, scope);
  const defaults = new DefaultPolicies();
  const policyOf = (vclusterId: string | undefined) =>
    (vclusterId === undefined ? undefined : replica.state.get("policies", vclusterId)) ??
      defaults.of(vclusterId ?? "none");
  const lockOn = ({ caller, scope }: AccessRequest): LockFacts | undefined => {
    if (locks === undefined || locks.isEmpty) return undefined;
    const place = { nodeId: nodeOf(scope), vclusterId: vclusterOf(scope) };
    return locks.onCaller(caller) ?? locks.onScope(caller.principal, place);
  };
  const decideRequest = (request: AccessRequest, trace?: Trace): Decision => {
    const lock = lockOn(request);
    if (lock !== undefined) {
      const denial = lockedDecision(lock, request.caller.principal.roles[0] ?? "");
      trace?.(step("lock", lockKey(lock.kind, lock.name), "deny", denial.reason));
      return denial;
    }
    if (locks !== undefined) {
      trace?.(step("lock", "locks", "continue", "nothing that this is about is locked"));
    }
    const vclusterId = vclusterOf(request.scope);
    return decide({
      principal: withHome(request.caller.principal, vclusterOf),
      action: request.action,
      scope: {
        global: request.scope === "Global",
        vclusterId,
        nodeId: nodeOf(request.scope),
      },
      policy: decisionPolicy(policyOf(vclusterId)),
      changesState: request.changesState,
    }, trace);
  };
  const restrictRequest = async (
    engine: Restriction,
    request: AccessRequest,
    trace?: Trace,
  ): Promise<RestrictedDecision> => {
    const byRoles = decideRequest(request, trace);
    const action = parseAction(request.action);
    const vclusterId = vclusterOf(request.scope);
    const policy = policyOf(vclusterId);
    if (byRoles.outcome === "deny" || action === undefined || !isAsked(action, policy)) {
      return { decision: byRoles, auditRead: false };
    }
    const nodeId = nodeOf(request.scope);
    return await restrict(engine, {
      byRoles,
      principal: request.caller.principal,
      action,
      vclusterId,
      nodeId,
      policy,
      emergencyMode: isInEmergency(replica, vclusterId, nodeId),
      details: request.details?.() ?? {},
      source: request.caller.remoteAddress,
    }, trace);
  };
  const evaluate = async (request: AccessRequest, trace?: Trace): Promise<Decision> =>
    restriction === undefined
      ? decideRequest(request, trace)
      : (await restrictRequest(restriction, request, trace)).decision;
  const granted = (request: AccessRequest, decision: Decision): Grant | Promise<never> => {
    const { role, policyRef } = decision;
    switch (decision.outcome) {
      case "allow":
        return role === PLATFORM_ADMIN && wouldWait(request)
          ? { role, policyRef, isExempt: true }
          : decision;
      case "approval":
        return { role, policyRef, needsApproval: true };
      case "deny":
        return refuse(request, new PactError(denialCode(policyRef), decision.reason), policyRef);
    }
  };
  const admitByEngine = async (engine: Restriction, request: AccessRequest): Promise<Grant> => {
    const { decision, auditRead } = await restrictRequest(engine, request);
    if (decision.outcome === "allow" && auditRead) {
      await recordRead(replica, request, decision.policyRef);
    }
    return await granted(request, decision);
  };
  const admit = (request: AccessRequest): Grant | Promise<Grant> => {
    const lock = lockOn(request);
    if (lock !== undefined) {
      return refuse(request, lockedError(lock), lockedDecision(lock, "").policyRef);
    }
    return restriction === undefined
      ? granted(request, decideRequest(request))
      : admitByEngine(restriction, request);
  };
  const readable = async (caller: Caller, action: string) => {
    const closed = new Set<string>();
    const byRoles = (scope: Scope) => decideRequest({ caller, action, scope }).outcome === "allow";
    const regulated = restriction === undefined
      ? []
      : [...replica.state.list("policies")].flatMap(([id, { regulated }]) =>
        regulated && byRoles({ VCluster: id }) ? [id] : []
      );
    await Promise.all(regulated.map(async (id) => {
      if (restriction === undefined) return;
      const request = { caller, action, scope: { VCluster: id } };
      const { decision, auditRead } = await restrictRequest(restriction, request);
      if (decision.outcome !== "allow") closed.add(id);
      else if (auditRead) await recordRead(replica, request, decision.policyRef);
    }));
    return (scope: Scope) => {
      if (!byRoles(scope)) return false;
      return closed.size === 0 || !closed.has(vclusterOf(scope) ?? "");
    };
  };
  /** Whether an operator of the vCluster would have to wait for a second person (APR-2). */
  const wouldWait = (request: AccessRequest): boolean => {
    const vclusterId = vclusterOf(request.scope);
    const policy = policyOf(vclusterId);
    if (vclusterId === undefined || !(policy.two_person_approval || policy.regulated)) return false;
    const principal = { ...request.caller.principal, roles: [`pact-ops-${vclusterId}`] };
    const asOperator = { ...request, caller: { ...request.caller, principal } };
    return decideRequest(asOperator).outcome === "approval";
  };
  return {
    hasEngine: restriction !== undefined,
    decide: (request) => decideRequest(request),
    evaluate,
    readable,
    vclusterOf,
    policyOf,
    refuse: (request, refusal) => refuse(request, refusal),
    admit,
    require: async (request) => {
      const grant = await admit(request);
      if (grant.needsApproval !== true) return grant;
      const refusal = new PactError("POLICY_DENIED", twoPeopleNeeded(request.action));
      return await refuse(request, refusal, grant.policyRef);
    },
  };
}

/** An agent's principal with the vCluster that its node is in now. */
function withHome(
  principal: Principal,
  vclusterOf: (scope: { readonly Node: string }) => string | undefined,
): Principal {
  if (principal.nodeId === undefined) return principal;
  return { ...principal, vclusterId: vclusterOf({ Node: principal.nodeId }) };
}

/** Whether roles or the site's rules say no (API-11). */
function denialCode(policyRef: string): "PERMISSION_DENIED" | "POLICY_DENIED" {
  return policyRef.startsWith("opa:") ? "POLICY_DENIED" : "PERMISSION_DENIED";
}

function nodeOf(scope: Scope): string | undefined {
  return scope !== "Global" && "Node" in scope ? scope.Node : undefined;
}

/** Whether an emergency is open where the request applies (EMG-1). */
function isInEmergency(
  { state }: Replica,
  vclusterId: string | undefined,
  nodeId: string | undefined,
): boolean {
  if (nodeId !== undefined) return emergencyOf(state, nodeId) !== undefined;
  return vclusterId !== undefined &&
    state.get("open_emergencies", scopeText({ VCluster: vclusterId })) !== undefined;
}

/** Why a request that cannot wait is refused where a second person has to decide. */
function twoPeopleNeeded(action: string): string {
  return `two people must decide on ${action} here, and this request cannot wait for the second`;
}

/** The policies of vClusters without one; made once each, because every decision reads one. */
class DefaultPolicies {
  readonly #known = new Map<string, Policy>();

  of(vclusterId: string): Policy {
    let policy = this.#known.get(vclusterId);
    if (policy === undefined) {
      policy = defaultPolicy(vclusterId);
      // Callers may ask for any name; what is forgotten is made again.
      if (this.#known.size >= MAX_DEFAULT_POLICIES) this.#known.clear();
      this.#known.set(vclusterId, policy);
    }
    return policy;
  }
}

/** Notes a read that the rules want on record (OPA-5). */
async function recordRead(
  replica: Replica,
  request: AccessRequest,
  policyRef: string,
): Promise<void> {
  const action = parseAction(request.action);
  if (action === undefined || !isReadOnly(action)) return;
  await record(replica, request, { outcome: "Success", detail: policyRef, policyRef }, true);
}

/** What a record says of a decision. */
interface Recorded {
  readonly outcome: "Success" | "Denied";
  readonly detail: string;
  readonly policyRef?: string | undefined;
  readonly vclusterId?: string | undefined;
}

/** Puts a decision on record; refused reads only where the rules ask for reads too (AUD-2). */
async function record(
  replica: Replica,
  request: AccessRequest,
  { outcome, detail, policyRef, vclusterId }: Recorded,
  isReadRecorded = false,
): Promise<void> {
  const action = parseAction(request.action);
  if (action === undefined || !(isReadRecorded || isRecorded(action))) return;
  const { caller } = request;
  const actor = identityOf(caller, caller.principal.roles[0] ?? "none");
  await replica.submit({
    type: "RecordOperation",
    operation: {
      actor,
      operation_type: operationType(action),
      scope: request.scope,
      outcome,
      detail,
      source: caller.remoteAddress,
      metadata: {
        ...requestFacts(caller.principal, {
          scope: request.scope,
          vclusterId,
          details: request.details?.(),
          policyRef,
        }),
        ...(caller.certificateName === undefined ? {} : { via: caller.certificateName }),
      },
    },
  }, { actor });
}

/** Whether refusals of an action are on record: all but those of plain reads (AUD-2). */
function isRecorded(action: Action): boolean {
  const group = actionGroup(action);
  return group !== "read" && group !== "delegated_read";
}
