import { create } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { policy } from "../../api/mod.ts";
import { type ErrorCode, PactError } from "../../common/errors/mod.ts";
import { SYSTEM_IDENTITY } from "../../common/model/mod.ts";
import { metadata, readRequestId } from "../../common/rpc/mod.ts";
import { identityFromWire, instantToWire, present } from "../../common/wire/mod.ts";
import { type Caller, identityOf } from "../access/mod.ts";
import { changeFacts, type RequestDetails } from "../policy/mod.ts";
import { type Approval, type HeldRequest, type NodeAction, readHeld } from "../state/mod.ts";
import { auditNote } from "./audit_note.ts";
import { entryFacts } from "./change_facts.ts";
import { callerOf, type ServiceContext, waitSignalOf } from "./context.ts";
import { executedSequence, findApproval, isRequester, statusNow } from "./list_approvals.ts";
import { requireSameIdentity } from "./stated_identity.ts";

const DECISIONS: Readonly<Record<string, "Approved" | "Rejected">> = {
  approved: "Approved",
  rejected: "Rejected",
};

/** Refusals that old clients read in the answer, new ones in the trailer (API-42). */
const DOMAIN_REFUSALS: readonly ErrorCode[] = ["NOT_FOUND", "APPROVAL_CLOSED", "SELF_APPROVAL"];

/**
 * Decides an approval; an approved command is carried out in the same write of the log (APR-11).
 *
 * @throws {PactError} INVALID_ARGUMENT for another word or an ambiguous id; PERMISSION_DENIED for
 * who may not decide. Other refusals are in the answer.
 */
export async function decideApproval(
  context: ServiceContext,
  request: policy.DecideApprovalRequest,
  call: HandlerContext,
): Promise<policy.DecideApprovalResponse> {
  const decision = DECISIONS[request.decision];
  if (decision === undefined) {
    throw new PactError(
      "INVALID_ARGUMENT",
      `invalid decision '${request.decision}', must be 'approved' or 'rejected'`,
    );
  }
  let approval: Approval | undefined;
  try {
    approval = findApproval(context, request.approvalId);
    await decide(context, approval, decision, request, call);
    return answerOf(context.replica.state.get("approvals", approval.approval_id) ?? approval);
  } catch (error) {
    if (!(error instanceof PactError) || !DOMAIN_REFUSALS.includes(error.code)) throw error;
    call.responseTrailer.set(metadata.error, error.code);
    return create(policy.DecideApprovalResponseSchema, {
      success: false,
      error: error.message,
      ...(approval === undefined ? {} : {
        approvalId: approval.approval_id,
        status: statusNow(
          context,
          context.replica.state.get("approvals", approval.approval_id) ?? approval,
        ),
      }),
    });
  }
}

async function decide(
  context: ServiceContext,
  approval: Approval,
  decision: "Approved" | "Rejected",
  request: policy.DecideApprovalRequest,
  call: HandlerContext,
): Promise<void> {
  const caller = callerOf(call);
  const { approval_id, vcluster } = approval;
  const access = { caller, action: "approve", scope: { VCluster: vcluster } };
  const stated = request.approver && identityFromWire(request.approver);
  await requireSameIdentity(context, caller, access, stated);
  const isWithdrawal = decision === "Rejected" && isRequester(caller, approval);
  const { role, policyRef } = isWithdrawal
    ? { role: caller.principal.roles[0] ?? "none", policyRef: "rbac:own:approve" }
    : await context.gatekeeper.require(access);
  const denial = decision === "Approved" ? await denialNow(context, approval, caller) : undefined;
  try {
    await context.replica.submit({
      type: "DecideApproval",
      approval_id,
      decision,
      ...present("reason", request.reason === "" ? undefined : request.reason),
      ...present("subject", caller.principal.subject),
      ...present("denial", denial),
    }, {
      actor: identityOf(caller, role),
      signal: waitSignalOf(call),
      audit: auditNote(call, caller, {
        action: "approve",
        scope: approval.scope,
        policyRef,
        detail: `${approval_id} ${decision}: ${approval.summary}`.slice(0, 4096),
      }),
      ...present("requestId", readRequestId(call.requestHeader)),
    });
  } catch (error) {
    if (!(error instanceof PactError)) throw error;
    if (error.code === "APPROVAL_CLOSED") await expireNow(context, approval_id);
    const isDenial = error.code === "SELF_APPROVAL" || error.code === "PERMISSION_DENIED";
    if (isDenial) return await context.gatekeeper.refuse(access, error);
    throw error;
  }
}

/**
 * Why the requester would be refused now by what apply cannot ask, such as a policy engine or a lock
 * (APR-11); undefined where nothing but the two-person rule stood in the way.
 */
async function denialNow(
  context: ServiceContext,
  { original_request, requester, action, scope }: Approval,
  { remoteAddress }: Caller,
): Promise<string | undefined> {
  const held = readHeld(original_request);
  const access = held?.kind === "command" ? held.access : [{ action, scope, role: requester.role }];
  const { principal, principal_type: principalType } = requester;
  for (const each of access) {
    const decision = await context.gatekeeper.evaluate({
      caller: { principal: { principal, principalType, roles: [each.role] }, remoteAddress },
      action: each.action,
      scope: each.scope,
      changesState: true,
      details: () => detailsOf(context, held),
    });
    if (decision.outcome === "deny") return decision.reason.slice(0, 4096);
  }
  return undefined;
}

/** What the rules may look at of a stored request (OPA-4). */
function detailsOf(context: ServiceContext, held: HeldRequest | undefined): RequestDetails {
  if (held?.kind === "node") {
    const { command, args, change, node_id } = held;
    const target = rollbackTarget(held);
    if (target !== undefined) {
      const scope = { Node: node_id };
      return entryFacts(context, { entry_type: "Rollback", scope, parent: target });
    }
    return {
      ...present("command", command === "" ? undefined : command),
      ...present("args", args.length === 0 ? undefined : args),
      ...present("change", changeFacts(change)),
    };
  }
  const command = held?.command;
  const isEntry = command?.type === "AppendEntry" || command?.type === "Promote";
  return isEntry ? entryFacts(context, command.entry) : {};
}

/** The entry that a node's rollback goes back to, as `entryAction` has noted it. */
function rollbackTarget({ action, args }: NodeAction): number | undefined {
  if (action !== "rollback") return undefined;
  const text = args.map((arg) => /^target:([0-9]{1,15})$/.exec(arg)?.[1])
    .find((each) => each !== undefined);
  return text === undefined ? undefined : Number(text);
}

/** A decision that came too late also ends the wait, before the sweep does. */
async function expireNow(context: ServiceContext, approvalId: string): Promise<void> {
  const approval = context.replica.state.get("approvals", approvalId);
  if (approval?.status !== "Pending" || statusNow(context, approval) !== "Expired") return;
  try {
    await context.replica.submit({
      type: "DecideApproval",
      approval_id: approvalId,
      decision: "Expired",
    }, { actor: SYSTEM_IDENTITY });
  } catch (error) {
    context.log.debug("an approval was not ended at once, the sweep will", {
      approval: approvalId,
      error: String(error),
    });
  }
}

function answerOf(approval: Approval): policy.DecideApprovalResponse {
  const { permit, execution_error } = approval;
  return create(policy.DecideApprovalResponseSchema, {
    success: true,
    status: approval.status,
    approvalId: approval.approval_id,
    ...executedSequence(approval),
    executionError: execution_error ?? "",
    ...present("permitExpiresAt", permit && instantToWire(permit.expires_at)),
  });
}
