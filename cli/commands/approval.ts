import { optional } from "@optique/core/modifiers";
import { flag, option } from "@optique/core/primitives";
import type { policy } from "../../api/mod.ts";
import { codedFailure, EXIT, Failure } from "../failure/mod.ts";
import { durationText } from "../output/mod.ts";
import { scopeText } from "../view/mod.ts";
import type { Scope } from "../../common/model/mod.ts";
import type { CommandContext } from "./action.ts";
import { say, word } from "./parsing.ts";
import { sleep } from "./sleep.ts";

/** Decisions are seen within two seconds (APR-14). */
const POLL_MS = 1000;

/** What a write came to. */
export interface Written {
  readonly sequence: number;
  readonly policyRef: string;
}

/** A write that waits for a second person, and nobody waits with it: exit 15. */
export class ApprovalPending extends Error {
  override readonly name = "ApprovalPending";

  constructor(
    readonly approvalId: string,
    readonly expires: string,
    /** A node carries it out: it has to be asked for again, with the approval's id. */
    readonly isRepeated = false,
  ) {
    super(`approval ${approvalId} is pending`);
  }
}

/** `--approval ID` of commands that a node carries out (APR-12). */
export const approvalOption = optional(option("--approval", word("ID"), {
  description: say("The approval that somebody else has given for this."),
}));

/** `--no-wait` of commands that may have to wait for a second person. */
export const noWaitOption = optional(flag("--no-wait", {
  description: say("Do not wait for an approval; exit 15 instead."),
}));

/** What a person said about waiting for a second one. */
export interface Waiting {
  readonly noWait: boolean;
  /** Where the change is made. */
  readonly scope: Scope;
  /** The approval that was given already. */
  readonly approval?: string | undefined;
}

/** What became of a request that waited. */
type Decided =
  | { readonly kind: "done"; readonly written: Written }
  /** The requester may do it now, with the approval's id (APR-12). */
  | { readonly kind: "permitted"; readonly approvalId: string };

/**
 * Performs a write; where it needs a second person, says so and waits for the decision when a
 * person sits at a terminal, polling until it is decided (CLI-62). What a node has to carry out is
 * asked for again with the approval's id.
 *
 * @throws {ApprovalPending} when not waiting: --no-wait, no terminal, or Ctrl-C.
 * @throws {Failure} exit 16 when it was rejected or expired, 1 when it could not be carried out.
 */
export async function withApproval<Result extends Written>(
  context: CommandContext,
  waiting: Waiting,
  write: (approvalId: string | undefined) => Promise<Result>,
): Promise<Result | Written> {
  const attempt = await firstAttempt(context, waiting, write);
  if (attempt.kind === "result") return attempt.result;
  const { decided } = attempt;
  return decided.kind === "done" ? decided.written : await write(decided.approvalId);
}

/**
 * The same for what only a node can do: once approved it is done with the approval's id.
 *
 * @throws as {@link withApproval}.
 */
export async function withPermit<Result>(
  context: CommandContext,
  waiting: Waiting,
  run: (approvalId: string | undefined) => Promise<Result>,
): Promise<Result> {
  const attempt = await firstAttempt(context, waiting, run);
  if (attempt.kind === "result") return attempt.result;
  const { decided } = attempt;
  if (decided.kind === "permitted") return await run(decided.approvalId);
  throw codedFailure("INTERNAL", "the approval permits nothing on a node");
}

type Attempt<Result> =
  | { readonly kind: "result"; readonly result: Result }
  | { readonly kind: "decided"; readonly decided: Decided };

async function firstAttempt<Result>(
  context: CommandContext,
  { noWait, scope, approval }: Waiting,
  run: (approvalId: string | undefined) => Promise<Result>,
): Promise<Attempt<Result>> {
  try {
    return { kind: "result", result: await run(approval) };
  } catch (error) {
    // With an id there is nothing to wait for that has not been asked for before.
    const isAsked = isApprovalRequired(error) && approval === undefined;
    if (!isAsked) throw error;
    const { id, expires } = approvalOf(error);
    await announce(context, scope, id, expires);
    if (noWait || !context.host.stdin.isTerminal || id === "") {
      throw new ApprovalPending(id, expires, scope !== "Global" && "Node" in scope);
    }
    await context.out.note("Waiting for approval... (Ctrl-C to background)");
    return { kind: "decided", decided: await waitForDecision(context, id, expires) };
  }
}

function isApprovalRequired(error: unknown): error is Failure {
  return error instanceof Failure && error.code === "APPROVAL_REQUIRED";
}

/**
 * The pending approval that a command ended with, if it did: also one that does not wait by itself.
 */
export async function pendingOf(
  { out }: CommandContext,
  error: unknown,
): Promise<ApprovalPending | undefined> {
  if (error instanceof ApprovalPending) return error;
  if (!isApprovalRequired(error)) return undefined;
  const { id, expires } = approvalOf(error);
  if (id === "") return undefined;
  await out.note(error.message);
  return new ApprovalPending(id, expires);
}

/** Ends a command whose write is pending: the JSON document, and exit 15. */
export async function reportPending(
  { out }: CommandContext,
  pending: ApprovalPending,
): Promise<number> {
  const { approvalId, isRepeated } = pending;
  await out.note(`Somebody else decides with: pact approve ${approvalId}`);
  if (isRepeated) await out.note(`Then run the command again with: --approval ${approvalId}`);
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

/** @throws {Failure} exit 1 when what was approved could not be carried out (APR-11). */
function decidedAs(approval: policy.PendingApprovalEntry): Decided {
  const { approvalId, executedSequence, executionError, permitExpiresAt } = approval;
  if (permitExpiresAt !== undefined) return { kind: "permitted", approvalId };
  if (executionError !== "") {
    throw new Failure(
      "APPROVAL_REJECTED",
      `${approvalId} was approved by ${approval.approver}, but could not be carried out`,
      EXIT.general,
      [executionError, "run the command again to ask anew"],
    );
  }
  const sequence = Number(executedSequence ?? 0n);
  return { kind: "done", written: { sequence, policyRef: `approved:${approvalId}` } };
}

async function waitForDecision(
  context: CommandContext,
  id: string,
  expires: string,
): Promise<Decided> {
  try {
    const { peer, policy } = await context.session.journal();
    // Ends by the decision: the journal expires every approval (P5).
    while (true) {
      const { approvals } = await peer.read((options) =>
        policy.listPendingApprovals({ includeClosed: true, approvalId: id }, options)
      );
      const approval = approvals.find(({ approvalId }) => approvalId === id);
      if (approval?.status === "Approved") return decidedAs(approval);
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
