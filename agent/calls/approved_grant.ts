import { OutOfReachError, unavailable } from "../approvals/mod.ts";
import { admitCall, type CallGrant } from "./access.ts";
import type { CallContext } from "./call_server.ts";
import type { CallNode } from "./node.ts";
import { withoutRules } from "./without_rules.ts";

/** What somebody wants to do here. */
export interface WantedAction {
  readonly action: string;
  readonly changesState?: boolean;
  /** The program, or the service. */
  readonly command: string;
  readonly args: readonly string[];
}

/**
 * The grant of a call, once the site's rules allow it where there are any (POL-1), and a second person
 * has agreed where one must: the caller comes back with the approval's id, and the journal lets it
 * count once, for this very request (APR-12).
 *
 * @throws {RefusedError} PERMISSION_DENIED, APPROVAL_REQUIRED with the approval that is pending, or
 * POLICY_DENIED while there is no contact with the journal and it would be needed (DEG-5, DEG-6).
 */
export async function approvedGrant(
  node: CallNode,
  { caller, approvalId }: CallContext,
  { action, changesState = true, command, args }: WantedAction,
): Promise<CallGrant> {
  const grant = admitCall(node.standing(), caller, action, changesState);
  if (!grant.needsApproval && node.standing().rulesApply !== true) return grant;
  const asked = {
    person: { author: grant.author, subject: caller.subject },
    action,
    command,
    args,
    approvalId,
    harmless: !changesState,
  };
  try {
    if (!node.isConnected()) throw unavailable(action);
    const { policyRef } = await node.consent.ask(asked);
    return { ...grant, policyRef, needsApproval: false };
  } catch (error) {
    if (grant.needsApproval || !(error instanceof OutOfReachError)) throw error;
    return withoutRules(node.standing(), grant, action);
  }
}
