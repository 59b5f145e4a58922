/**
 * Two-person approvals in the state: filing, deciding with execution in the same apply, permits
 * (policy.md 6). What may happen to one approval is in {@link stepApproval}.
 *
 * @module
 */
import { SYSTEM_IDENTITY } from "../../common/model/mod.ts";
import { permitRefusal, statusAt, stepApproval } from "./approval_machine.ts";
import type { CommandOf } from "./commands.ts";
import { decideFor, policyIn } from "./decision_policy.ts";
import type { Approval, CommandResult } from "./documents.ts";
import { executeHeld, type Perform } from "./execute_held.ts";
import { heldText, readHeld } from "./held_request.ts";
import { entryAction, type NodeAction } from "./node_action.ts";
import { reject, type Transaction } from "./transaction.ts";

/** Most approvals that may be pending in one vCluster (journal.md section 16). */
const MAX_PENDING = 1000;

/** How long an approved action on a node may be carried out (APR-12). */
const PERMIT_MS = 900_000;

const MAX_REASON_CHARS = 4096;

/**
 * Files a request for approval; its requester is the actor. Asked for again while it is pending, it is
 * still the same one.
 */
export function createApproval(
  tx: Transaction,
  { approval, via }: CommandOf<"CreateApproval">,
): CommandResult {
  if (readHeld(approval.original_request) === undefined) {
    reject("INVALID_ARGUMENT", "original_request: no request that can wait for approval");
  }
  const pending = [...tx.list("approvals")].map(([, other]) => other).filter((other) =>
    other.vcluster === approval.vcluster && statusAt(other, tx.nowMs) === "Pending"
  );
  const same = pending.find((other) =>
    other.original_request === approval.original_request &&
    other.requester.principal === tx.actor.principal && other.requester.role === tx.actor.role &&
    other.requester_subject === approval.requester_subject
  );
  if (same !== undefined) return { kind: "Ok", id: same.approval_id };
  if (pending.length >= MAX_PENDING) {
    reject("RESOURCE_EXHAUSTED", `${MAX_PENDING} approvals are pending in ${approval.vcluster}`);
  }
  const { approval_timeout_seconds } = policyIn(tx, approval.vcluster);
  const created: Approval = {
    ...approval,
    approval_id: freeId(tx, approval.approval_id),
    requester: tx.actor,
    status: "Pending",
    created_at: tx.timestamp,
    expires_at: new Date(tx.nowMs + approval_timeout_seconds * 1000).toISOString(),
  };
  tx.put("approvals", created.approval_id, created);
  return tellOf(tx, created, { via });
}

/** The proposed id, or the next one that is free: two members may have drawn the same one. */
function freeId(tx: Transaction, proposed: string): string {
  let id = proposed;
  // Ends at the first free one: there are far fewer approvals than ids.
  while (tx.get("approvals", id) !== undefined) {
    const next = (parseInt(id.slice("ap-".length), 16) + 1) % 2 ** 32;
    id = `ap-${next.toString(16).padStart(8, "0")}`;
  }
  return id;
}

/** Decides a pending approval; an approved command is carried out in the same apply (APR-11). */
export function decideApproval(
  tx: Transaction,
  command: CommandOf<"DecideApproval">,
  perform: Perform,
): CommandResult {
  const approval = approvalOf(tx, command.approval_id);
  const step = stepApproval(
    approval,
    command.decision === "Expired"
      ? { kind: "expire", isJournal: tx.actor.principal === SYSTEM_IDENTITY.principal }
      : {
        kind: command.decision === "Approved" ? "approve" : "reject",
        by: { identity: tx.actor, subject: command.subject },
      },
    tx.nowMs,
  );
  if (step.kind === "refused") reject(step.rejection.code, step.rejection.message);
  const decided: Approval = {
    ...approval,
    approver: tx.actor,
    status: step.status,
    reason: command.reason,
    decided_at: tx.timestamp,
  };
  const carriedOut = step.status === "Approved"
    ? carryOut(tx, decided, command.denial, perform)
    : decided;
  tx.put("approvals", approval.approval_id, carriedOut);
  return tellOf(tx, carriedOut, {});
}

/** The approval with what its execution, or its permit, adds to it. */
function carryOut(
  tx: Transaction,
  approval: Approval,
  denial: string | undefined,
  perform: Perform,
): Approval {
  const held = readHeld(approval.original_request);
  if (denial !== undefined || held === undefined) {
    return failed(approval, denial ?? "the stored request cannot be read by this version");
  }
  if (held.kind === "node") {
    const scope = { Node: held.node_id };
    const decision = decideFor(tx, approval.requester, held.action, scope);
    if (decision.outcome === "deny") return failed(approval, decision.reason);
    return { ...approval, permit: { expires_at: new Date(tx.nowMs + PERMIT_MS).toISOString() } };
  }
  const execution = executeHeld(tx, approval, held, perform);
  if (execution.kind === "failed") return failed(approval, execution.error);
  const { sequence } = execution;
  return sequence === undefined ? approval : { ...approval, executed_sequence: sequence };
}

/** Approved, and yet nothing was done: the reason says why (APR-11). */
function failed(approval: Approval, error: string): Approval {
  const reason = [approval.reason ?? "", `not carried out: ${error}`].filter((text) => text !== "");
  return {
    ...approval,
    reason: reason.join("; ").slice(0, MAX_REASON_CHARS),
    execution_error: error.slice(0, MAX_REASON_CHARS),
  };
}

/** Uses a permit for an action on its node (APR-12). */
export function redeemPermit(tx: Transaction, command: CommandOf<"RedeemPermit">): CommandResult {
  const { approval_id, requester, subject, action } = command;
  usePermit(tx, approval_id, { identity: requester, subject }, action);
  return { kind: "Ok", id: approval_id };
}

/** Uses the permit of the approval that an agent's entry names, for that very entry. */
export function redeemForEntry(
  tx: Transaction,
  { entry, permit }: CommandOf<"AppendEntry">,
): void {
  if (permit === undefined) return;
  const { approval_id, action, subject } = permit;
  if (entry.scope === "Global" || !("Node" in entry.scope)) {
    reject("PERMISSION_DENIED", `${approval_id} permits an action on a node`);
  }
  const by = { identity: entry.author, subject };
  usePermit(tx, approval_id, by, entryAction(action, entry.scope.Node, entry));
}

function usePermit(
  tx: Transaction,
  approvalId: string,
  by: { readonly identity: Approval["requester"]; readonly subject: string | undefined },
  action: NodeAction,
): void {
  const approval = approvalOf(tx, approvalId);
  const refusal = permitRefusal(approval, { by, request: heldText(action) }, tx.nowMs);
  if (refusal !== undefined) reject(refusal.code, refusal.message);
  const { permit } = approval;
  if (permit === undefined) return;
  const decision = decideFor(tx, by.identity, action.action, { Node: action.node_id });
  if (decision.outcome === "deny") reject("PERMISSION_DENIED", decision.reason);
  tx.put("approvals", approvalId, { ...approval, permit: { ...permit, used_at: tx.timestamp } });
}

function approvalOf(tx: Transaction, id: string): Approval {
  const approval = tx.get("approvals", id);
  if (approval === undefined) reject("NOT_FOUND", "approval ID not found");
  return approval;
}

function tellOf(
  tx: Transaction,
  approval: Approval,
  { via }: { readonly via?: string | undefined },
): CommandResult {
  const { approval_id, status, summary, reason } = approval;
  const why = status === "Pending" || reason === undefined ? "" : ` (${reason})`;
  const entry = tx.record({
    entry_type: "PendingApproval",
    scope: approval.scope,
    message: `${approval_id} ${status}: ${summary}${why}`.slice(0, 4096),
    ...(via === undefined ? {} : { via }),
  });
  return { kind: "Ok", sequence: entry.sequence, id: approval_id };
}
