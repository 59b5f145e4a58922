import type { EntryDraft, Identity } from "../../common/model/mod.ts";
import type { Command } from "./commands.ts";
import { decideFor } from "./decision_policy.ts";
import type { Approval, CommandResult } from "./documents.ts";
import type { HeldCommand } from "./held_request.ts";
import { recordSuccess } from "./operations.ts";
import { refuseNewClashes } from "./promotion_clashes.ts";
import { reject, RejectedError, type Transaction } from "./transaction.ts";

/** Carries out one command within a transaction. */
export type Perform = (tx: Transaction, command: Command) => CommandResult;

/** What came of a held command once it was approved. */
export type Execution =
  | { readonly kind: "done"; readonly sequence: number | undefined }
  | { readonly kind: "failed"; readonly error: string };

const MAX_MESSAGE_CHARS = 4096;

/**
 * Carries out an approved command in the name of who asked for it, as if it had been sent now: their
 * right to it, conflicts, TTLs and expected heads are judged anew (APR-11). All of it happens, or
 * nothing; its entries name the approval (APR-13).
 */
export function executeHeld(
  tx: Transaction,
  approval: Approval,
  held: HeldCommand,
  perform: Perform,
): Execution {
  const { requester, approval_id } = approval;
  const inner = tx.nested(requester, approval_id, markBy(tx.actor, requester, approval_id));
  try {
    checkRights(inner, held, requester);
    checkHeads(inner, held);
    if (held.command.type === "Promote") {
      refuseNewClashes(inner, held.command, new Set(Object.keys(held.heads ?? {})));
    }
    const result = perform(inner, held.command);
    const metadata = {
      ...held.audit.metadata,
      policy_ref: `approved:${approval_id}`,
      approved_by: tx.actor.principal,
    };
    recordSuccess(inner, { ...held.audit, metadata });
    tx.take(inner);
    return { kind: "done", sequence: "sequence" in result ? result.sequence : undefined };
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error;
    return { kind: "failed", error: error.rejection.message };
  }
}

/** Marks the requester's entries; what the journal adds of its own stays as it is. */
function markBy(approver: Identity, requester: Identity, approvalId: string) {
  const by = ` (approved by ${approver.principal})`.slice(0, MAX_MESSAGE_CHARS);
  return (draft: EntryDraft): EntryDraft => {
    if (draft.author.principal !== requester.principal) return draft;
    const message = (draft.message ?? "").slice(0, MAX_MESSAGE_CHARS - by.length);
    return { ...draft, policy_ref: `approved:${approvalId}`, message: `${message}${by}`.trim() };
  };
}

function checkRights(tx: Transaction, { access }: HeldCommand, requester: Identity): void {
  for (const { action, scope, role } of access) {
    const decision = decideFor(tx, { ...requester, role }, action, scope);
    if (decision.outcome === "deny") {
      reject("PERMISSION_DENIED", `${requester.principal}: ${decision.reason}`);
    }
  }
}

/** Refuses what was worked out from a configuration that has changed since. */
function checkHeads(tx: Transaction, { heads = {} }: HeldCommand): void {
  for (const [scope, expected] of Object.entries(heads)) {
    const head = tx.get("scope_heads", scope)?.state_changing ?? -1;
    if (head === expected) continue;
    reject("CONFLICT", `CONFLICT: ${scope} has changed since (expected ${expected}, head ${head})`);
  }
}
