import { ConnectError } from "@connectrpc/connect";
import { type agentport, timestampDate } from "../../api/mod.ts";
import { fromConnectError, PactError } from "../../common/errors/mod.ts";
import { metadata } from "../../common/rpc/mod.ts";
import type { JournalSession } from "./session.ts";

/**
 * What authorizes an action that takes two people: the permit of the approval it names, or the
 * journal's word that it takes one only (APR-12, API-43).
 *
 * @throws {PactError} APPROVAL_REQUIRED with the approval that is pending, or the refusal.
 */
export async function askJournal(
  session: JournalSession | undefined,
  asked: agentport.AskApproval,
): Promise<string> {
  if (session === undefined) throw new PactError("UNAVAILABLE", "no journal can be reached");
  try {
    if (asked.approvalId !== "") return (await session.redeem(asked)).policyRef;
    const { authorized, policyRef, denialReason, approval } = await session.evaluate(asked);
    if (authorized) return policyRef;
    if (approval === undefined) {
      const code = policyRef.startsWith("opa:") ? "POLICY_DENIED" : "PERMISSION_DENIED";
      throw new PactError(code, denialReason ?? "denied");
    }
    const { pendingApprovalId: id, expiresAt } = approval;
    const expires = expiresAt === undefined ? "" : timestampDate(expiresAt).toISOString();
    throw new PactError(
      "APPROVAL_REQUIRED",
      `APPROVAL_REQUIRED: two people must decide on ${asked.action} here. ${id} is pending until ` +
        `${expires}: ask somebody else to run \`pact approve ${id}\``,
      { trailers: { [metadata.approvalId]: id, [metadata.approvalExpires]: expires } },
    );
  } catch (error) {
    throw error instanceof ConnectError ? fromConnectError(error) : error;
  }
}
