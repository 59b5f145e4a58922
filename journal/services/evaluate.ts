import { create } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { policy } from "../../api/mod.ts";
import {
  type Decision,
  type DecisionStep,
  outcomeStep,
  parseRole,
  PLATFORM_ADMIN,
  type Principal,
  step,
} from "../../common/authz/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import type { Scope } from "../../common/model/mod.ts";
import { readRequestId } from "../../common/rpc/mod.ts";
import {
  deltaFromWire,
  identityFromWire,
  instantToWire,
  present,
  scopeFromWire,
} from "../../common/wire/mod.ts";
import { type Caller, identityOf } from "../access/mod.ts";
import { callerOf, type ServiceContext } from "./context.ts";
import { evaluationDetails } from "./evaluation_details.ts";
import { fileApproval, type Filed } from "./hold.ts";

/** Most roles one may ask about at once. */
const MAX_ROLES = 64;

/**
 * A dry decision, on request with the chain that led to it. Agents and platform admins may ask for
 * somebody else (api.md section 4), and for an explanation those who operate the scope.
 */
export async function evaluate(
  context: ServiceContext,
  request: policy.PolicyEvalRequest,
  call: HandlerContext,
): Promise<policy.PolicyEvalResponse> {
  const caller = callerOf(call);
  const scope = scopeFromWire(request.scope);
  const steps: DecisionStep[] = [];
  const subject = subjectOf(context, request, caller, scope);
  const decision = await context.gatekeeper.evaluate({
    caller: subject,
    action: request.action,
    scope,
    // The journal does not know which commands are harmless; the node's agent does (APR-3).
    changesState: !(request.harmless && caller.principal.nodeId !== undefined),
    details: () => evaluationDetails(request),
  }, request.explain ? (each) => steps.push(each) : undefined);
  const filed = decision.outcome === "approval" && request.createApproval
    ? await fileAction(context, request, call, subject, decision.role)
    : undefined;
  return create(policy.PolicyEvalResponseSchema, {
    authorized: decision.outcome === "allow",
    policyRef: decision.policyRef,
    ...(decision.outcome === "deny" ? { denialReason: decision.reason } : {}),
    ...(decision.outcome === "approval"
      ? {
        denialReason: `two people must decide on ${request.action} here`,
        approval: { approvalType: "two_person", ...filedFacts(filed) },
      }
      : {}),
    ...(request.explain ? explanation(context, decision, steps, scope) : {}),
  });
}

/**
 * Files the action for approval (API-43). An agent may file for the people of its own node, anybody
 * for themselves.
 *
 * @throws {PactError} PERMISSION_DENIED for somebody else's action.
 */
async function fileAction(
  context: ServiceContext,
  request: policy.PolicyEvalRequest,
  call: HandlerContext,
  subject: Caller,
  role: string,
): Promise<Filed> {
  const caller = callerOf(call);
  const { action, command = "", args, proposedChange, authorSubject } = request;
  const scope = scopeFromWire(request.scope);
  if (scope === "Global" || !("Node" in scope)) {
    throw new PactError("INVALID_ARGUMENT", "create_approval: for actions on a node");
  }
  const isAgent = caller.principal.nodeId === scope.Node;
  if (!isAgent && subject !== caller) {
    throw new PactError("PERMISSION_DENIED", "create_approval: for yourself, or for your own node");
  }
  const words = [action, "on", `node:${scope.Node}`, command, ...args];
  return await fileApproval(context, {
    request: {
      kind: "node",
      action,
      node_id: scope.Node,
      command,
      args,
      ...(proposedChange === undefined ? {} : { change: deltaFromWire(proposedChange) }),
    },
    action,
    scope,
    summary: words.filter((word) => word !== "").join(" "),
    requester: identityOf(subject, role),
    subject: isAgent ? authorSubject || undefined : caller.principal.subject,
    via: isAgent ? caller.certificateName : undefined,
    ...present("requestId", readRequestId(call.requestHeader)),
  });
}

function filedFacts(filed: Filed | undefined) {
  if (filed === undefined) return {};
  const { approvalId, expiresAt } = filed;
  return { pendingApprovalId: approvalId, expiresAt: instantToWire(expiresAt) };
}

function explanation(
  { gatekeeper }: ServiceContext,
  decision: Decision,
  steps: readonly DecisionStep[],
  scope: Scope,
) {
  const { approval_timeout_seconds } = gatekeeper.policyOf(gatekeeper.vclusterOf(scope));
  const consent = step(
    "approval",
    "two_person",
    "approval",
    "a second person, not the requester, has to approve",
    { approval_timeout_seconds: `${approval_timeout_seconds}` },
  );
  const chain = [
    ...steps,
    ...(decision.outcome === "approval" ? [consent] : []),
    outcomeStep(decision),
  ];
  return {
    outcome: decision.outcome,
    role: decision.role,
    steps: chain.map(({ data, ...each }) => ({ ...each, data: { ...data } })),
  };
}

/** Whom the question is about, with the roles it is asked for. */
function subjectOf(
  { gatekeeper }: ServiceContext,
  request: policy.PolicyEvalRequest,
  caller: Caller,
  scope: Scope,
): Caller {
  if (request.author === undefined) return caller;
  const { principal, principal_type, role } = identityFromWire(request.author);
  const roles = [...new Set([role, ...request.roles])].filter((name) => name !== "");
  if (roles.length > MAX_ROLES) {
    throw new PactError("INVALID_ARGUMENT", `more than ${MAX_ROLES} roles`);
  }
  const holds = (name: string) => caller.principal.roles.includes(name);
  if (principal === caller.principal.principal && roles.every(holds)) return caller;
  const operates = request.explain && isOperator(caller.principal, gatekeeper.vclusterOf(scope));
  if (!operates && !mayAskForOthers(caller.principal)) {
    throw new PactError(
      "PERMISSION_DENIED",
      `only agents and ${PLATFORM_ADMIN} may evaluate for someone else`,
    );
  }
  const { nodeId: _node, certificateName: _name, ...channel } = caller;
  return { ...channel, principal: { principal, principalType: principal_type, roles } };
}

function mayAskForOthers({ nodeId, roles }: Principal): boolean {
  return nodeId !== undefined || roles.some((held) => parseRole(held).kind === "platform-admin");
}

/** Whether somebody operates the vCluster. */
function isOperator({ roles }: Principal, vclusterId: string | undefined): boolean {
  return roles.map(parseRole).some((role) =>
    (role.kind === "ops" || role.kind === "regulated") && role.vclusterId === vclusterId
  );
}
