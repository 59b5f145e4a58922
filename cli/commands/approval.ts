import { EXIT, Failure } from "../failure/mod.ts";
import { durationText } from "../output/mod.ts";
import { scopeText } from "../view/mod.ts";
import type { Scope } from "../../common/model/mod.ts";
import type { CommandContext } from "./action.ts";
import { sleep } from "./sleep.ts";

const POLL_MS = 2000;

/** What a write came to. */
export interface Written {
  readonly sequence: number;
  readonly policyRef: string;
}

/** A write that waits for a second person, and nobody waits with it: exit 15. */
export class ApprovalPending extends Error {
  override readonly name = "ApprovalPending";

  constructor(readonly approvalId: string, readonly expires: string) {
    super(`approval ${approvalId} is pending`);
  }
}

/**
 * Performs a write; where it needs a second person, says so and waits for the decision when a
 * person sits at a terminal, polling until it is decided (CLI-62).
 *
 * @throws {ApprovalPending} when not waiting: --no-wait, no terminal, or Ctrl-C.
 * @throws {Failure} exit 16 when it was rejected or expired.
 */
export async function withApproval<Result extends Written>(
  context: CommandContext,
  noWait: boolean,
  scope: Scope,
  write: () => Promise<Result>,
): Promise<Result | Written> {
  try {
    return await write();
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== "APPROVAL_REQUIRED") throw error;
    const { id, expires } = approvalOf(error);
    await announce(context, scope, id, expires);
    if (noWait || !context.host.stdin.isTerminal || id === "") {
      throw new ApprovalPending(id, expires);
    }
    await context.out.note("Waiting for approval... (Ctrl-C to background)");
    return await waitForDecision(context, id, expires);
  }
}

/** Ends a command whose write is pending: the JSON document, and exit 15. */
export async function reportPending(
  { out }: CommandContext,
  pending: ApprovalPending,
): Promise<number> {
  await out.result([], {
    approval: {
      id: pending.approvalId,
      status: "pending",
      expires_at: pending.expires === "" ? null : pending.expires,
    },
  });
  return EXIT.approvalPending;
}

function approvalOf(failure: Failure): { id: string; expires: string } {
  const { trailers } = failure;
  return {
    id: trailers["x-pact-approval-id"] ?? "",
    expires: trailers["x-pact-approval-expires"] ?? "",
  };
}

async function announce(
  { out, host }: CommandContext,
  scope: Scope,
  id: string,
  expires: string,
): Promise<void> {
  const where = scope !== "Global" && "VCluster" in scope
    ? `vcluster: ${scope.VCluster}`
    : scopeText(scope);
  const leftMs = Date.parse(expires) - host.clock.nowMs();
  const minutes = Math.round(leftMs / 60_000);
  const left = Number.isNaN(leftMs)
    ? ""
    : ` (expires in ${minutes > 0 ? `${minutes} min` : durationText(leftMs / 1000)})`;
  await out.note(`Approval required (two-person policy on ${where})`);
  await out.note(`Pending approval: ${id}${left}`);
}

async function waitForDecision(
  context: CommandContext,
  id: string,
  expires: string,
): Promise<Written> {
  try {
    const { peer, policy } = await context.session.journal();
    // Ends by the decision: the journal expires every approval (P5).
    while (true) {
      const { approvals } = await peer.read((options) =>
        policy.listPendingApprovals({ includeClosed: true }, options)
      );
      const approval = approvals.find(({ approvalId }) => approvalId === id);
      if (approval?.status === "Approved") {
        return { sequence: Number(approval.executedSequence ?? 0n), policyRef: "" };
      }
      if (approval !== undefined && approval.status !== "Pending") {
        const reason = approval.reason === "" ? [] : [approval.reason];
        throw new Failure(
          "APPROVAL_REJECTED",
          `approval ${id} ${approval.status.toLowerCase()}`,
          EXIT.approvalRejected,
          reason,
        );
      }
      await sleep(context, POLL_MS);
    }
  } catch (error) {
    if (error instanceof Failure && error.code === "INTERRUPTED") {
      throw new ApprovalPending(id, expires);
    }
    throw error;
  }
}
