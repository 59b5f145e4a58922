import { create } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { policy } from "../../api/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import type { Policy } from "../../common/model/mod.ts";
import { metadata, readFreeText, readRequestId } from "../../common/rpc/mod.ts";
import {
  identityFromWire,
  policyToWire,
  present,
  settingsFromWire,
} from "../../common/wire/mod.ts";
import { identityOf } from "../access/mod.ts";
import { vclusterExists } from "../overlay/mod.ts";
import { auditNote } from "./audit_note.ts";
import { callerOf, type ServiceContext, waitSignalOf } from "./context.ts";
import { decideApproval } from "./decide_approval.ts";
import { evaluate } from "./evaluate.ts";
import { vclusterIdFromWire } from "./identifiers.ts";
import { listApprovals } from "./list_approvals.ts";
import { redeemPermit } from "./redeem_permit.ts";
import { requireSameIdentity } from "./stated_identity.ts";

/** Decisions and vCluster policies (api.md section 4). */
export function policyService(
  context: ServiceContext,
): Partial<ServiceImpl<typeof policy.PolicyService>> {
  const { gatekeeper, replica } = context;
  return {
    evaluate: (request, call) => evaluate(context, request, call),
    getEffectivePolicy: async ({ vclusterId }, call) => {
      const id = vclusterIdFromWire(vclusterId);
      await gatekeeper.require({
        caller: callerOf(call),
        action: "status",
        scope: { VCluster: id },
      });
      if (!vclusterExists(replica.state, id)) {
        throw new PactError("NOT_FOUND", `policy for ${id} not found`);
      }
      return policyToWire(effectivePolicy(context, id));
    },
    updatePolicy: (request, call) => updatePolicy(context, request, call),
    listPendingApprovals: (request, call) => listApprovals(context, request, call),
    decideApproval: (request, call) => decideApproval(context, request, call),
    redeemPermit: (request, call) => redeemPermit(context, request, call),
  };
}

async function updatePolicy(
  context: ServiceContext,
  request: policy.UpdatePolicyRequest,
  call: HandlerContext,
): Promise<policy.UpdatePolicyResponse> {
  const { gatekeeper, replica } = context;
  const caller = callerOf(call);
  if (request.policy === undefined) throw new PactError("INVALID_ARGUMENT", "policy required");
  const id = vclusterIdFromWire(request.vclusterId || request.policy.vclusterId);
  const access = { action: "policy_update", scope: { VCluster: id } };
  await requireSameIdentity(
    context,
    caller,
    access,
    request.author && identityFromWire(request.author),
  );
  const { role, policyRef } = await gatekeeper.require({ caller, ...access });
  const requestId = readRequestId(call.requestHeader);
  const reason = readFreeText(call.requestHeader, "reason");
  requireVersion(request.expectedVersion, gatekeeper.policyOf(id).version);
  try {
    await replica.submit({
      type: "SetPolicy",
      vcluster_id: id,
      settings: settingsFromWire(request.policy),
      policy_ref: policyRef,
      ...present("message", request.message || reason || undefined),
    }, {
      actor: identityOf(caller, role),
      signal: waitSignalOf(call),
      audit: auditNote(call, caller, { ...access, policyRef }),
      ...present("requestId", requestId),
    });
  } catch (error) {
    if (!(error instanceof PactError) || error.code !== "INVALID_ARGUMENT") throw error;
    return invalidPolicy(call, error.message);
  }
  return create(policy.UpdatePolicyResponseSchema, { success: true, policyRef: `policy:${id}` });
}

/** Old clients read the text in the answer, new ones the trailer (API-41). */
function invalidPolicy(call: HandlerContext, error: string): policy.UpdatePolicyResponse {
  call.responseTrailer.set(metadata.error, "INVALID_ARGUMENT");
  return create(policy.UpdatePolicyResponseSchema, { success: false, error });
}

/** The stored policy, or all defaults under an empty id (API-40). */
function effectivePolicy({ gatekeeper, replica }: ServiceContext, id: string): Policy {
  const effective = gatekeeper.policyOf(id);
  return replica.state.get("policies", id) === undefined
    ? { ...effective, policy_id: "" }
    : effective;
}

/** Refuses an update that was written against an older policy. */
function requireVersion(expected: bigint | undefined, actual: number): void {
  if (expected === undefined || expected === BigInt(actual)) return;
  throw new PactError("CONFLICT", `CONFLICT: expected policy version ${expected}, it is ${actual}`);
}
