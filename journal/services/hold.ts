import { PactError } from "../../common/errors/mod.ts";
import { redact } from "../../common/log/mod.ts";
import { type Identity, type Scope, scopeText } from "../../common/model/mod.ts";
import { metadata } from "../../common/rpc/mod.ts";
import { present } from "../../common/wire/mod.ts";
import { type HeldRequest, heldText } from "../state/mod.ts";
import type { ServiceContext } from "./context.ts";

/** Largest request that may wait, in bytes of its stored text (policy.md 6.2). */
const MAX_REQUEST_BYTES = 1_048_576;

/** Longest wait for the quorum before a request counts as one that nobody can agree to. */
const QUORUM_LIMIT_MS = 5_000;

/** Refusals that mean that nobody can file anything now. */
const OUT_OF_REACH = ["NO_LEADER", "NO_QUORUM", "UNAVAILABLE", "DEADLINE"];

/** A request that must wait for a second person, and whose it is. */
export interface Waiting {
  readonly request: HeldRequest;
  readonly action: string;
  readonly scope: Scope;
  /** One line for whoever decides. */
  readonly summary: string;
  readonly requester: Identity;
  readonly subject: string | undefined;
  /** The agent that asks for the requester. */
  readonly via?: string | undefined;
  /** Repeating it finds the approval that was filed first (JRN-57). */
  readonly requestId?: string | undefined;
}

/** An approval that was filed. */
export interface Filed {
  readonly approvalId: string;
  readonly expiresAt: string;
}

/**
 * Files a request for approval (policy.md 6.3).
 *
 * @throws {PactError} INVALID_ARGUMENT for one that is too large, RESOURCE_EXHAUSTED where too many
 * wait, POLICY_DENIED where nothing can be filed now (APR-4).
 */
export async function fileApproval(context: ServiceContext, waiting: Waiting): Promise<Filed> {
  const { replica, gatekeeper } = context;
  const { action, scope, requester, subject, via, requestId } = waiting;
  const vcluster = gatekeeper.vclusterOf(scope);
  if (vcluster === undefined) {
    throw new PactError(
      "POLICY_DENIED",
      `two people must decide on ${action}, and ${scopeText(scope)} is in no vCluster to decide in`,
    );
  }
  const original_request = heldText(waiting.request);
  const bytes = new TextEncoder().encode(original_request).byteLength;
  if (bytes > MAX_REQUEST_BYTES) {
    throw new PactError(
      "INVALID_ARGUMENT",
      `a request of ${bytes} bytes cannot wait for approval: at most ${MAX_REQUEST_BYTES}`,
    );
  }
  // What a leader without its quorum takes would be committed later: it is not even proposed.
  const result = await orUnavailable(async () => {
    await quorumIsThere(context);
    return await replica.submit({
      type: "CreateApproval",
      approval: {
        approval_id: newApprovalId(),
        original_request,
        summary: redact(waiting.summary).slice(0, 4096),
        action,
        scope,
        vcluster,
        ...present("requester_subject", subject),
      },
      ...present("via", via),
    }, { actor: requester, ...present("requestId", requestId) });
  });
  const approvalId = result.kind === "Ok" ? result.id ?? "" : "";
  const expiresAt = replica.state.get("approvals", approvalId)?.expires_at ?? "";
  return { approvalId, expiresAt };
}

/** The answer to whoever must wait: what for, until when, and what to do next (API-31). */
export function approvalRequired(
  action: string,
  scope: Scope,
  { approvalId, expiresAt }: Filed,
): PactError {
  return new PactError(
    "APPROVAL_REQUIRED",
    `APPROVAL_REQUIRED: two people must decide on ${action} in ${scopeText(scope)}. ` +
      `${approvalId} is pending until ${expiresAt}: ask somebody else to run ` +
      `\`pact approve ${approvalId}\``,
    {
      trailers: {
        [metadata.approvalId]: approvalId,
        [metadata.approvalExpires]: expiresAt,
      },
    },
  );
}

/** @throws {PactError} NO_LEADER, NO_QUORUM, or DEADLINE when neither is known soon enough. */
async function quorumIsThere({ replica, clock }: ServiceContext): Promise<void> {
  const late = new AbortController();
  const timer = clock.setTimer(
    QUORUM_LIMIT_MS,
    () => late.abort(new PactError("DEADLINE", "the quorum did not answer")),
  );
  try {
    await replica.waitForLinearizable(late.signal);
  } finally {
    clock.clearTimer(timer);
  }
}

async function orUnavailable<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof PactError) || !OUT_OF_REACH.includes(error.code)) throw error;
    throw new PactError(
      "POLICY_DENIED",
      "two-person approval unavailable during partition",
      { cause: error },
    );
  }
}

/** `ap-` and eight random hex digits; one that is taken gives way to the next at apply. */
function newApprovalId(): string {
  return `ap-${crypto.getRandomValues(new Uint8Array(4)).toHex()}`;
}
