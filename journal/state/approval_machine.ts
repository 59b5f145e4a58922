/**
 * The life of one approval, as a machine without state of its own (policy.md 6.3).
 *
 * | from                        | event         | guard                                        | to       |
 * |-----------------------------|---------------|----------------------------------------------|----------|
 * | Pending                     | approve       | in time; a person, not the requester by name | Approved |
 * |                             |               | or token; a deciding role in the vCluster    |          |
 * | Pending                     | reject        | in time; a deciding role, or the requester   | Rejected |
 * | Pending                     | expire        | by the journal, after its time               | Expired  |
 * | Approved, Rejected, Expired | anything      | –                                            | refused  |
 *
 * The permit of an approved action on a node:
 *
 * | from   | event  | guard                                                     | to     |
 * |--------|--------|-----------------------------------------------------------|--------|
 * | issued | redeem | in time; by the requester; on the node; the same request  | used   |
 * | used   | redeem | –                                                         | refused |
 *
 * @module
 */
import { parseRole } from "../../common/authz/mod.ts";
import type { Identity } from "../../common/model/mod.ts";
import type { Approval } from "./documents.ts";
import type { Rejection } from "./transaction.ts";

/** Who acts on an approval: the identity, and the token's own name for its bearer. */
export interface ApprovalActor {
  readonly identity: Identity;
  readonly subject?: string | undefined;
}

/** What may happen to an approval. */
export type ApprovalEvent =
  | { readonly kind: "approve" | "reject"; readonly by: ApprovalActor }
  | { readonly kind: "expire"; readonly isJournal: boolean };

/** What comes of an event. */
export type ApprovalStep =
  | { readonly kind: "to"; readonly status: "Approved" | "Rejected" | "Expired" }
  | { readonly kind: "refused"; readonly rejection: Rejection };

/** What of an approval its transitions depend on. */
export type ApprovalFacts = Pick<
  Approval,
  "status" | "requester" | "requester_subject" | "vcluster" | "expires_at"
>;

/** What `event` at `nowMs` does to an approval. */
export function stepApproval(
  approval: ApprovalFacts,
  event: ApprovalEvent,
  nowMs: number,
): ApprovalStep {
  const status = statusAt(approval, nowMs);
  if (event.kind === "expire") return stepExpiry(approval, event.isJournal, status);
  if (status !== "Pending") return closed(status);
  const isOwn = isSamePerson(
    { identity: approval.requester, subject: approval.requester_subject },
    event.by,
  );
  if (isOwn && event.kind === "reject") return { kind: "to", status: "Rejected" };
  if (isOwn) {
    return refused("SELF_APPROVAL", "SELF_APPROVAL: cannot approve your own request (P4)");
  }
  const { principal_type, role } = event.by.identity;
  if (principal_type !== "Human") return refused("PERMISSION_DENIED", "approvals are for people");
  if (!isDecidingRole(role, approval.vcluster)) {
    return refused(
      "PERMISSION_DENIED",
      `role ${role} may not decide in vCluster ${approval.vcluster}`,
    );
  }
  return { kind: "to", status: event.kind === "approve" ? "Approved" : "Rejected" };
}

/** The status at `nowMs`: past its time a pending approval is no longer one, swept or not. */
export function statusAt(
  { status, expires_at }: Pick<Approval, "status" | "expires_at">,
  nowMs: number,
): Approval["status"] {
  return status === "Pending" && Date.parse(expires_at) < nowMs ? "Expired" : status;
}

/** Whether two act for one person: the same name in any case, or the same token subject (PAuth5). */
export function isSamePerson(one: ApprovalActor, other: ApprovalActor): boolean {
  const isSameName =
    one.identity.principal.toLowerCase() === other.identity.principal.toLowerCase();
  return isSameName || (one.subject !== undefined && one.subject === other.subject);
}

/** Expiry is the journal's own decision, and only once it is time (APR-17). */
function stepExpiry(
  { status: stored, expires_at }: ApprovalFacts,
  isJournal: boolean,
  status: Approval["status"],
): ApprovalStep {
  if (stored !== "Pending") return closed(stored);
  if (!isJournal) return refused("PERMISSION_DENIED", "approvals expire by the journal alone");
  if (status === "Pending") {
    return refused("PRECONDITION", `approval ID does not expire before ${expires_at}`);
  }
  return { kind: "to", status: "Expired" };
}

function isDecidingRole(name: string, vcluster: string): boolean {
  const role = parseRole(name);
  return role.kind === "platform-admin" ||
    ((role.kind === "ops" || role.kind === "regulated") && role.vclusterId === vcluster);
}

/** Use of a permit: by whom, and for which request. */
export interface PermitUse {
  readonly by: ApprovalActor;
  /** The request in its canonical text, compared with the stored one. */
  readonly request: string;
}

/** Why a permit may not be used so; undefined when it may (APR-12). */
export function permitRefusal(
  approval: Approval,
  { by, request }: PermitUse,
  nowMs: number,
): Rejection | undefined {
  const { permit, requester, requester_subject, original_request, approval_id } = approval;
  const status = statusAt(approval, nowMs);
  if (status !== "Approved") {
    return status === "Pending"
      ? { code: "APPROVAL_REQUIRED", message: `APPROVAL_REQUIRED: ${approval_id} is still pending` }
      : { code: "APPROVAL_CLOSED", message: `approval ID already ${status}` };
  }
  const isRequester = requester.principal === by.identity.principal &&
    (requester_subject === undefined || by.subject === undefined ||
      requester_subject === by.subject);
  if (permit === undefined || !isRequester) {
    return { code: "PERMISSION_DENIED", message: `${approval_id} is no permit of yours` };
  }
  if (original_request !== request) {
    return {
      code: "PERMISSION_DENIED",
      message: `${approval_id} permits another request than this one: ask for approval anew`,
    };
  }
  if (permit.used_at !== undefined) {
    return { code: "APPROVAL_CLOSED", message: `${approval_id} was used at ${permit.used_at}` };
  }
  if (Date.parse(permit.expires_at) < nowMs) {
    return {
      code: "APPROVAL_CLOSED",
      message: `${approval_id} could be used until ${permit.expires_at}`,
    };
  }
  return undefined;
}

function closed(status: Approval["status"]): ApprovalStep {
  return refused("APPROVAL_CLOSED", `approval ID already ${status}`);
}

function refused(code: Rejection["code"], message: string): ApprovalStep {
  return { kind: "refused", rejection: { code, message } };
}
