import type { HandlerContext } from "@connectrpc/connect";
import type { journal } from "../../api/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import { metadata, readRequestId } from "../../common/rpc/mod.ts";
import { counterFromWire, entryFromWire, present } from "../../common/wire/mod.ts";
import type { Caller } from "../access/mod.ts";
import { type CommandInput, type CommandResult, entryAction } from "../state/mod.ts";
import { type Authorization, type AuthorizedEntry, authorizeEntry } from "./append.ts";
import { auditNote } from "./audit_note.ts";
import { callerOf, ownNodeOf, type ServiceContext, waitSignalOf } from "./context.ts";
import { approvalRequired, fileApproval } from "./hold.ts";
import type { OverlayVersions } from "./overlay_versions.ts";
import { deltaSummary, submitGranted } from "./submit_granted.ts";

/** A client's entry; one that a second person must agree to waits for that (API-31). */
export async function appendEntry(
  context: ServiceContext,
  overlays: OverlayVersions,
  request: journal.AppendEntryRequest,
  call: HandlerContext,
) {
  const caller = callerOf(call);
  if (request.promoteDecisions.length > 0) {
    throw new PactError("INVALID_ARGUMENT", "promote_decisions: use FleetService.Promote");
  }
  const deciding = authorizeEntry(context, caller, entryFromWire(request.entry));
  const authorization = deciding instanceof Promise ? await deciding : deciding;
  const { entry, submitted } = caller.principal.nodeId === undefined
    ? submitPerson(context, call, caller, authorization, request)
    : await submitAgent(context, call, caller, authorization, request);
  const result = await submitted;
  if (result.kind !== "EntryAppended") {
    throw new PactError("INTERNAL", "append gave no sequence");
  }
  const version = overlays.after(entry);
  return {
    sequence: BigInt(result.sequence),
    policyRef: entry.policy_ref ?? "",
    overlayVersion: BigInt(version instanceof Promise ? await version : version),
  };
}

/** An entry on its way into the log. */
interface Submitted {
  readonly entry: AuthorizedEntry;
  readonly submitted: Promise<CommandResult>;
}

function submitPerson(
  context: ServiceContext,
  call: HandlerContext,
  caller: Caller,
  { entry, audited, needsApproval = false }: Authorization,
  request: journal.AppendEntryRequest,
): Submitted {
  const { action = "", scope = entry.scope, policyRef = "", isExempt = false } = audited ?? {};
  const grant = { role: entry.author.role, policyRef, needsApproval, isExempt };
  const submitted = submitGranted(context, call, caller, grant, {
    action,
    scope,
    command: commandOf(entry, request),
    actor: entry.author,
    details: audited?.details,
  });
  return { entry, submitted };
}

/**
 * An agent's entry. What a person wants on the node and a second one must agree to waits as an action
 * of the node; repeated with the approval's id it is appended and the permit used, both or none
 * (APR-12).
 */
async function submitAgent(
  context: ServiceContext,
  call: HandlerContext,
  caller: Caller,
  { entry, audited, needsApproval = false }: Authorization,
  request: journal.AppendEntryRequest,
): Promise<Submitted> {
  const approvalId = call.requestHeader.get(metadata.approvalId) ?? "";
  if (needsApproval && approvalId === "") {
    throw await waitOnNode(context, call, caller, entry, audited?.action ?? "", request);
  }
  const subject = request.authorSubject === "" ? undefined : request.authorSubject;
  const permitted: AuthorizedEntry = needsApproval
    ? { ...entry, policy_ref: `approved:${approvalId}` }
    : entry;
  const command = {
    ...commandOf(permitted, request),
    ...(needsApproval
      ? {
        permit: {
          approval_id: approvalId,
          action: audited?.action ?? "",
          ...present("subject", subject),
        },
      }
      : {}),
  };
  const submitted = context.replica.submit(command, {
    actor: permitted.author,
    signal: waitSignalOf(call),
    audit: audited && auditNote(call, caller, audited),
    requestId: readRequestId(call.requestHeader),
  });
  return { entry: permitted, submitted };
}

async function waitOnNode(
  context: ServiceContext,
  call: HandlerContext,
  caller: Caller,
  entry: AuthorizedEntry,
  action: string,
  { authorSubject }: journal.AppendEntryRequest,
): Promise<PactError> {
  const { nodeId, certificateName } = ownNodeOf(caller);
  if (entry.policy_ref?.startsWith("degraded:") === true) {
    // It was done while nobody could be asked: nobody waits for an answer now.
    return new PactError("POLICY_DENIED", `two people must decide on ${action} here by now`);
  }
  const { author, scope } = entry;
  const filed = await fileApproval(context, {
    request: entryAction(action, nodeId, entry),
    action,
    scope,
    summary: [`${action} on node:${nodeId}`, entry.message ?? "", deltaSummary(entry.state_delta)]
      .filter((text) => text !== "").join("; "),
    requester: author,
    subject: authorSubject === "" ? undefined : authorSubject,
    via: certificateName,
    requestId: readRequestId(call.requestHeader),
  });
  return approvalRequired(action, scope, filed);
}

function commandOf(
  entry: AuthorizedEntry,
  { expectedHead, endEmergency, force }: journal.AppendEntryRequest,
): Extract<CommandInput, { type: "AppendEntry" }> {
  const command = { type: "AppendEntry", entry, check_services: true } as const;
  if (expectedHead === undefined && !endEmergency && !force) return command;
  return {
    ...command,
    ...present(
      "expected_head",
      expectedHead === undefined ? undefined : counterFromWire(expectedHead),
    ),
    ...(endEmergency ? { end_emergency: true } : {}),
    ...(force ? { force: true } : {}),
  };
}
