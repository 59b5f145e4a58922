import { create } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { policy } from "../../api/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import { scopeText, type StateDelta } from "../../common/model/mod.ts";
import { deltaToWire, instantToWire, present } from "../../common/wire/mod.ts";
import type { Caller } from "../access/mod.ts";
import { type Approval, readHeld, statusAt } from "../state/mod.ts";
import { callerWithRole, type ServiceContext } from "./context.ts";

/** Most approvals in one answer; of the closed ones the newest. */
const MAX_LISTED = 2_000;

/** Stored requests up to this many characters in all are read for what they would change. */
const MAX_READ_CHARS = 4 * 1024 * 1024;

/** Shortest beginning of an id that stands for it, after `ap-` (API-42). */
const MIN_PREFIX_DIGITS = 4;

/**
 * Approvals that the caller may decide, and the caller's own; oldest first (APR-16). One that is
 * asked for by its id comes with the whole request.
 *
 * @throws {PactError} NOT_FOUND, or INVALID_ARGUMENT for an ambiguous beginning of an id.
 */
export function listApprovals(
  context: ServiceContext,
  request: policy.ListApprovalsRequest,
  call: HandlerContext,
): policy.ListApprovalsResponse {
  const caller = callerWithRole(call);
  if (request.approvalId !== "") {
    const approval = findApproval(context, request.approvalId);
    if (!isVisible(context, caller, approval)) throw notFound();
    return create(policy.ListApprovalsResponseSchema, {
      approvals: [{ ...toWire(context, approval, true), requestJson: approval.original_request }],
    });
  }
  const found = [...context.replica.state.list("approvals")].map(([, approval]) => approval)
    .filter((approval) =>
      (request.includeClosed || statusNow(context, approval) === "Pending") &&
      isInScope(approval, request.scopeFilter ?? "") && isVisible(context, caller, approval)
    )
    .sort((a, b) => Date.parse(a.created_at) - Date.parse(b.created_at))
    .slice(-MAX_LISTED);
  let chars = 0;
  const approvals = found.map((approval) => {
    chars += approval.original_request.length;
    return toWire(context, approval, chars <= MAX_READ_CHARS);
  });
  return create(policy.ListApprovalsResponseSchema, { approvals });
}

/**
 * The approval of an id, or of an unambiguous beginning of one (API-42).
 *
 * @throws {PactError} NOT_FOUND, or INVALID_ARGUMENT for an ambiguous one.
 */
export function findApproval({ replica }: ServiceContext, idOrPrefix: string): Approval {
  const exact = replica.state.get("approvals", idOrPrefix);
  if (exact !== undefined) return exact;
  if (!/^ap-[0-9a-f]{1,8}$/.test(idOrPrefix)) throw notFound();
  if (idOrPrefix.length < "ap-".length + MIN_PREFIX_DIGITS) {
    throw new PactError(
      "INVALID_ARGUMENT",
      `approval_id: give at least ${MIN_PREFIX_DIGITS} digits after ap-`,
    );
  }
  const [first, ...others] = [...replica.state.list("approvals", idOrPrefix)];
  if (first === undefined) throw notFound();
  if (others.length > 0) {
    throw new PactError("INVALID_ARGUMENT", `approval_id: ${idOrPrefix} is ambiguous`);
  }
  return first[1];
}

function notFound(): PactError {
  return new PactError("NOT_FOUND", "approval ID not found");
}

function isVisible({ gatekeeper }: ServiceContext, caller: Caller, approval: Approval): boolean {
  if (isRequester(caller, approval)) return true;
  const scope = { VCluster: approval.vcluster };
  return gatekeeper.decide({ caller, action: "approve", scope }).outcome === "allow";
}

/** Whether the caller is who asked. */
export function isRequester({ principal }: Caller, { requester }: Approval): boolean {
  return principal.principal.toLowerCase() === requester.principal.toLowerCase();
}

/** `vc:X` stands for the vCluster with its nodes. */
function isInScope({ scope, vcluster }: Approval, filter: string): boolean {
  return filter === "" || filter === scopeText(scope) || filter === `vc:${vcluster}`;
}

/** The status as of now: what is past its time is no longer pending. */
export function statusNow({ clock }: ServiceContext, approval: Approval): Approval["status"] {
  return statusAt(approval, clock.nowMs());
}

function toWire(context: ServiceContext, approval: Approval, withChange: boolean) {
  const { approval_id, action, scope, requester, created_at, expires_at, permit } = approval;
  const change = withChange ? proposedChange(approval) : undefined;
  return {
    approvalId: approval_id,
    action,
    scope: scopeText(scope),
    requester: requester.principal,
    status: statusNow(context, approval),
    createdAt: instantToWire(created_at),
    expiresAt: instantToWire(expires_at),
    summary: approval.summary,
    vclusterId: approval.vcluster,
    approver: approval.approver?.principal ?? "",
    reason: approval.reason ?? "",
    ...executedSequence(approval),
    ...present("proposedChange", change && deltaToWire(change)),
    ...present("decidedAt", timestampOf(approval.decided_at)),
    executionError: approval.execution_error ?? "",
    ...present("permitExpiresAt", timestampOf(permit?.expires_at)),
    ...present("permitUsedAt", timestampOf(permit?.used_at)),
  };
}

function timestampOf(instant: string | undefined) {
  return instant === undefined ? undefined : instantToWire(instant);
}

/** Where the executed request stands in the log, as wire fields hold it. */
export function executedSequence({ executed_sequence }: Approval) {
  return executed_sequence === undefined ? {} : { executedSequence: BigInt(executed_sequence) };
}

function proposedChange({ original_request }: Approval): StateDelta | undefined {
  const held = readHeld(original_request);
  if (held?.kind === "node") return held.change;
  const command = held?.command;
  return command?.type === "AppendEntry" || command?.type === "Promote"
    ? command.entry.state_delta
    : undefined;
}
