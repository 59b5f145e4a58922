import { create } from "@bufbuild/protobuf";
import type { ServiceImpl } from "@connectrpc/connect";
import { policy } from "../../api/mod.ts";
import { parseRole, PLATFORM_ADMIN } from "../../common/authz/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import { VClusterIdSchema } from "../../common/model/mod.ts";
import { readFreeText, readRequestId } from "../../common/rpc/mod.ts";
import {
  identityFromWire,
  policyToWire,
  present,
  scopeFromWire,
  settingsFromWire,
} from "../../common/wire/mod.ts";
import { type Caller, identityOf } from "../access/mod.ts";
import { callerOf, type ServiceContext } from "./context.ts";

/** Decisions and vCluster policies (api.md section 4). */
export function policyService(
  context: ServiceContext,
): Partial<ServiceImpl<typeof policy.PolicyService>> {
  const { gatekeeper, replica } = context;
  return {
    evaluate: (request, call) => evaluate(context, request, callerOf(call)),
    getEffectivePolicy: async ({ vclusterId }, call) => {
      const id = requireVClusterId(vclusterId);
      await gatekeeper.require({
        caller: callerOf(call),
        action: "status",
        scope: { VCluster: id },
      });
      return policyToWire(gatekeeper.policyOf(id));
    },
    updatePolicy: async (request, call) => {
      const caller = callerOf(call);
      if (request.policy === undefined) throw new PactError("INVALID_ARGUMENT", "policy required");
      const id = requireVClusterId(request.vclusterId || request.policy.vclusterId);
      const grant = await gatekeeper.require({
        caller,
        action: "policy_update",
        scope: { VCluster: id },
      });
      const requestId = readRequestId(call.requestHeader);
      const reason = readFreeText(call.requestHeader, "reason");
      requireVersion(request.expectedVersion, gatekeeper.policyOf(id).version);
      await replica.submit({
        type: "SetPolicy",
        vcluster_id: id,
        settings: settingsFromWire(request.policy),
        policy_ref: grant.policyRef,
        ...present("message", request.message || reason || undefined),
      }, {
        actor: identityOf(caller, grant.role),
        signal: call.signal,
        ...present("requestId", requestId),
      });
      const { policy_id } = gatekeeper.policyOf(id);
      return create(policy.UpdatePolicyResponseSchema, { success: true, policyRef: policy_id });
    },
  };
}

/** A dry decision; only agents and platform admins may ask for somebody else (api.md section 4). */
function evaluate(
  { gatekeeper }: ServiceContext,
  request: policy.PolicyEvalRequest,
  caller: Caller,
): policy.PolicyEvalResponse {
  const decision = gatekeeper.decide({
    caller: subjectOf(request, caller),
    action: request.action,
    scope: scopeFromWire(request.scope),
    ...present("command", request.command),
  });
  return create(policy.PolicyEvalResponseSchema, {
    authorized: decision.outcome === "allow",
    policyRef: decision.policyRef,
    ...(decision.outcome === "deny" ? { denialReason: decision.reason } : {}),
    ...(decision.outcome === "approval" ? { approval: { approvalType: "two_person" } } : {}),
  });
}

function subjectOf(request: policy.PolicyEvalRequest, caller: Caller): Caller {
  if (request.author === undefined) return caller;
  const { principal, principal_type, role } = identityFromWire(request.author);
  if (principal === caller.principal.principal && caller.principal.roles.includes(role)) {
    return caller;
  }
  const mayAskForOthers = caller.principal.nodeId !== undefined ||
    caller.principal.roles.some((held) => parseRole(held).kind === "platform-admin");
  if (!mayAskForOthers) {
    throw new PactError(
      "PERMISSION_DENIED",
      `only agents and ${PLATFORM_ADMIN} may evaluate for someone else`,
    );
  }
  const { nodeId: _node, certificateName: _name, ...channel } = caller;
  return { ...channel, principal: { principal, principalType: principal_type, roles: [role] } };
}

function requireVClusterId(text: string): string {
  const parsed = VClusterIdSchema.safeParse(text);
  if (!parsed.success) throw new PactError("INVALID_ARGUMENT", `invalid vCluster id '${text}'`);
  return parsed.data;
}

/** Refuses an update that was written against an older policy. */
function requireVersion(expected: bigint | undefined, actual: number): void {
  if (expected === undefined || expected === BigInt(actual)) return;
  throw new PactError("CONFLICT", `CONFLICT: expected policy version ${expected}, it is ${actual}`);
}
