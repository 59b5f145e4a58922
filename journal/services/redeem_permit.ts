import { create } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { policy } from "../../api/mod.ts";
import { SERVICE_AGENT } from "../../common/authz/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import { readRequestId } from "../../common/rpc/mod.ts";
import { identityFromWire, present } from "../../common/wire/mod.ts";
import { identityOf } from "../access/mod.ts";
import { auditNote } from "./audit_note.ts";
import { callerOf, ownNodeOf, type ServiceContext, waitSignalOf } from "./context.ts";

/**
 * Uses the permit of an approved action for the agent that is about to carry it out on its own node
 * (APR-12). Of several at once one gets it.
 *
 * @throws {PactError} NOT_FOUND; APPROVAL_REQUIRED while it is pending; APPROVAL_CLOSED when it was
 * used, has lapsed or was not approved; PERMISSION_DENIED for another requester, node or request.
 */
export async function redeemPermit(
  { replica, gatekeeper }: ServiceContext,
  request: policy.RedeemPermitRequest,
  call: HandlerContext,
): Promise<policy.RedeemPermitResponse> {
  const caller = callerOf(call);
  const { nodeId } = ownNodeOf(caller);
  const { approvalId, requester, requesterSubject, action, command, args } = request;
  if (requester === undefined) throw new PactError("INVALID_ARGUMENT", "requester required");
  if (!/^ap-[0-9a-f]{8}$/.test(approvalId)) {
    throw new PactError("NOT_FOUND", "approval ID not found");
  }
  const person = identityFromWire(requester);
  await gatekeeper.admit({
    caller: {
      ...caller,
      principal: {
        principal: person.principal,
        principalType: person.principal_type,
        roles: [person.role],
      },
    },
    action,
    scope: { Node: nodeId },
    changesState: true,
    details: () => ({ command, args }),
  });
  await replica.submit({
    type: "RedeemPermit",
    approval_id: approvalId,
    requester: person,
    ...present("subject", requesterSubject === "" ? undefined : requesterSubject),
    action: { kind: "node", action, node_id: nodeId, command, args },
  }, {
    actor: identityOf(caller, SERVICE_AGENT),
    signal: waitSignalOf(call),
    audit: auditNote(call, caller, {
      action: "permit_redeem",
      scope: { Node: nodeId },
      policyRef: `approved:${approvalId}`,
      detail: `${action} for ${requester.principal}`,
      details: { command, args },
    }),
    ...present("requestId", readRequestId(call.requestHeader)),
  });
  return create(policy.RedeemPermitResponseSchema, { policyRef: `approved:${approvalId}` });
}
