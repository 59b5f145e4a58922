/**
 * Two-person approvals (policy.md 6.3): Pending is decided once, into Approved, Rejected or
 * Expired; everything after that is refused.
 *
 * @module
 */
import { parseRole } from "../../common/authz/mod.ts";
import { SYSTEM_IDENTITY } from "../../common/model/mod.ts";
import type { CommandOf } from "./commands.ts";
import type { Approval, CommandResult } from "./documents.ts";
import { reject, type Transaction } from "./transaction.ts";

/** Most approvals that may be pending in one vCluster (journal.md section 16). */
const MAX_PENDING = 1000;

/** How long closed approvals are kept for listing (APR-15). */
const KEEP_CLOSED_MS = 90 * 24 * 3_600_000;

/** Files a request for approval; its requester is the actor. */
export function createApproval(
  tx: Transaction,
  { approval }: CommandOf<"CreateApproval">,
): CommandResult {
  if (tx.get("approvals", approval.approval_id) !== undefined) {
    reject("CONFLICT", `CONFLICT: approval ID ${approval.approval_id} is taken`);
  }
  let pending = 0;
  for (const [id, other] of tx.list("approvals")) {
    if (isForgotten(tx, other)) tx.delete("approvals", id);
    else if (other.status === "Pending" && other.vcluster === approval.vcluster) pending++;
  }
  if (pending >= MAX_PENDING) {
    reject("RESOURCE_EXHAUSTED", `${MAX_PENDING} approvals are pending in ${approval.vcluster}`);
  }
  const created: Approval = {
    ...approval,
    requester: tx.actor,
    status: "Pending",
    created_at: tx.timestamp,
  };
  tx.put("approvals", approval.approval_id, created);
  return tellOf(tx, created);
}

/** Decides a pending approval; nobody approves their own request. */
export function decideApproval(
  tx: Transaction,
  { approval_id, decision, reason }: CommandOf<"DecideApproval">,
): CommandResult {
  const approval = tx.get("approvals", approval_id);
  if (approval === undefined) reject("NOT_FOUND", "approval ID not found");
  const expired = Date.parse(approval.expires_at) < tx.nowMs;
  const status = approval.status === "Pending" && expired && decision !== "Expired"
    ? "Expired"
    : approval.status;
  if (status !== "Pending") reject("APPROVAL_CLOSED", `approval ID already ${status}`);
  if (decision === "Expired") requireExpiry(tx, approval);
  else requireDecider(tx, approval, decision);
  const decided: Approval = {
    ...approval,
    approver: tx.actor,
    status: decision,
    reason,
    decided_at: tx.timestamp,
  };
  tx.put("approvals", approval_id, decided);
  return tellOf(tx, decided);
}

/** Expiry is the journal's own decision, and only once it is time (APR-17). */
function requireExpiry(tx: Transaction, { expires_at }: Approval): void {
  if (tx.actor.principal !== SYSTEM_IDENTITY.principal) {
    reject("PERMISSION_DENIED", "approvals expire by the journal alone");
  }
  if (Date.parse(expires_at) >= tx.nowMs) {
    reject("PRECONDITION", `approval ID does not expire before ${expires_at}`);
  }
}

/** People decide who may act in the vCluster; requesters withdraw their own and approve none. */
function requireDecider(
  { actor }: Transaction,
  { requester, vcluster }: Approval,
  decision: "Approved" | "Rejected",
): void {
  const isOwn = actor.principal.toLowerCase() === requester.principal.toLowerCase();
  if (isOwn && decision === "Approved") {
    reject("SELF_APPROVAL", "SELF_APPROVAL: cannot approve your own request (P4)");
  }
  if (actor.principal_type !== "Human") reject("PERMISSION_DENIED", "approvals are for people");
  const role = parseRole(actor.role);
  const mayDecide = role.kind === "platform-admin" ||
    ((role.kind === "ops" || role.kind === "regulated") && role.vclusterId === vcluster);
  if (!isOwn && !mayDecide) {
    reject("PERMISSION_DENIED", `role ${actor.role} may not decide in vCluster ${vcluster}`);
  }
}

/** Closed so long ago that only the entries still tell of it (APR-15). */
function isForgotten(tx: Transaction, { decided_at }: Approval): boolean {
  return decided_at !== undefined && Date.parse(decided_at) < tx.nowMs - KEEP_CLOSED_MS;
}

function tellOf(tx: Transaction, { approval_id, status, scope, summary }: Approval): CommandResult {
  const entry = tx.record({
    entry_type: "PendingApproval",
    scope,
    message: `${approval_id} ${status}: ${summary}`.slice(0, 4096),
  });
  return { kind: "Ok", sequence: entry.sequence, id: approval_id };
}
