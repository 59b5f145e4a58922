import { timestampDate } from "@bufbuild/protobuf/wkt";
import { object, or } from "@optique/core/constructs";
import { optional } from "@optique/core/modifiers";
import { argument, flag, option } from "@optique/core/primitives";
import type { policy } from "../../api/mod.ts";
import { ERROR_TRAILER, isErrorCode } from "../../common/errors/mod.ts";
import { deltaFromWire } from "../../common/wire/mod.ts";
import { codedFailure, EXIT, Failure, usageFailure } from "../failure/mod.ts";
import { type Column, dateTimeText, printable, tableLines } from "../output/mod.ts";
import { changeLines, deltaJson } from "../view/mod.ts";
import { action, type CommandContext } from "./action.ts";
import { type ActionParser, define, say, withAction, word } from "./parsing.ts";
import { requireVCluster } from "./targets.ts";

const idArgument = argument(word("ID"));

/** `pact approve ...` (CLI-102, CLI-103). */
export const approveCommand: ActionParser = or(
  define(
    "list",
    "Show what waits for a second person.",
    object({ all: optional(flag("--all", { description: say("Also what is decided.") })) }),
    ({ all }) => action((context) => list(context, all === true)),
  ),
  define(
    "show",
    "Show one request in full.",
    object({ id: idArgument }),
    ({ id }) => action((context) => show(context, id)),
  ),
  define(
    "accept",
    "Agree: the request is carried out.",
    object({ id: idArgument }),
    ({ id }) => action((context) => accept(context, id)),
  ),
  define(
    "deny",
    "Disagree, or take back a request of your own.",
    object({
      id: idArgument,
      reason: option("-m", "--message", word("REASON"), { description: say("Why.") }),
    }),
    ({ id, reason }) => action((context) => deny(context, id, reason)),
  ),
  withAction(object({ id: idArgument }), ({ id }) => action((context) => accept(context, id))),
);

const COLUMNS: readonly Column[] = [
  { heading: "ID" },
  { heading: "SCOPE" },
  { heading: "ACTION" },
  { heading: "REQUESTER" },
  { heading: "AGE" },
  { heading: "EXPIRES" },
];

async function list({ session, out, flags, host }: CommandContext, all: boolean): Promise<number> {
  const vcluster = flags["vcluster"];
  const { peer, policy } = await session.journal();
  const { approvals } = await peer.read((call) =>
    policy.listPendingApprovals({
      includeClosed: all,
      ...(vcluster === undefined ? {} : { scopeFilter: `vc:${requireVCluster(vcluster)}` }),
    }, call)
  );
  const nowMs = host.clock.nowMs();
  const rows = approvals.map((approval) => [
    printable(approval.approvalId),
    printable(approval.scope),
    printable(approval.action),
    printable(approval.requester),
    ageText(approval, nowMs),
    ...(all ? [printable(approval.status)] : [expiryText(approval, nowMs)]),
  ]);
  const columns = all ? [...COLUMNS.slice(0, -1), { heading: "STATUS" }] : COLUMNS;
  const empty = all ? "(no approvals)" : "(no pending approvals)";
  await out.result(rows.length === 0 ? [empty] : tableLines(columns, rows, out.paint), {
    approvals: approvals.map(approvalJson),
  });
  return EXIT.ok;
}

async function show({ session, out, host }: CommandContext, id: string): Promise<number> {
  const { peer, policy } = await session.journal();
  const { approvals: [approval] } = await peer.read((call) =>
    policy.listPendingApprovals({ approvalId: fullPrefix(id) }, call)
  );
  if (approval === undefined) throw codedFailure("NOT_FOUND", "approval ID not found");
  const nowMs = host.clock.nowMs();
  await out.result(detailLines(approval, nowMs), {
    ...approvalJson(approval),
    request: approval.requestJson === "" ? null : JSON.parse(approval.requestJson),
  });
  return EXIT.ok;
}

function detailLines(approval: policy.PendingApprovalEntry, nowMs: number): string[] {
  const { approvalId, status, action, scope, vclusterId, requester, summary } = approval;
  const { proposedChange, approver, reason, executedSequence, requestJson } = approval;
  const changes = proposedChange === undefined ? [] : changeLines(deltaFromWire(proposedChange));
  const line = (name: string, value: string) => value === "" ? [] : [`${name}: ${value}`];
  return [
    `Approval: ${printable(approvalId)}  Status: ${printable(status)}`,
    `Action: ${printable(action)}  Scope: ${printable(scope)}  vCluster: ${printable(vclusterId)}`,
    `Requester: ${printable(requester)}  Asked: ${ageText(approval, nowMs)}`,
    ...(status === "Pending" ? line("Expires", expiryText(approval, nowMs)) : []),
    ...line("Request", printable(summary)),
    ...(changes.length === 0 ? [] : ["Changes:", ...changes]),
    ...line("Decided by", printable(approver)),
    ...line("Reason", printable(reason)),
    ...line("Applied as", executedSequence === undefined ? "" : `seq:${executedSequence}`),
    ...line("Permit", permitText(approval)),
    ...(requestJson === "" ? [] : ["Stored request:", ...storedLines(requestJson)]),
  ];
}

function storedLines(requestJson: string): string[] {
  const pretty = JSON.stringify(JSON.parse(requestJson), undefined, 2);
  return pretty.split("\n").map((line) => `  ${printable(line)}`);
}

function permitText(
  { permitExpiresAt, permitUsedAt }: policy.PendingApprovalEntry,
): string {
  if (permitUsedAt !== undefined) return `used at ${dateTimeText(+timestampDate(permitUsedAt))}`;
  return permitExpiresAt === undefined
    ? ""
    : `the requester may use it until ${dateTimeText(+timestampDate(permitExpiresAt))}`;
}

async function accept(context: CommandContext, id: string): Promise<number> {
  const answer = await decide(context, id, "approved", undefined);
  const { approvalId, executedSequence, executionError, permitExpiresAt } = answer;
  const what = printable(approvalId);
  if (executionError !== "") {
    throw new Failure(
      "CONFLICT",
      `Approved ${what}, but it could not be carried out: ${printable(executionError)}`,
      EXIT.conflict,
      ["nothing was changed; the requester can ask again"],
    );
  }
  const sequence = executedSequence === undefined ? "" : ` (seq:${executedSequence})`;
  const done = permitExpiresAt === undefined
    ? `Approved ${what}. Original operation applied${sequence}.`
    : `Approved ${what}. Requester may run it within 15 minutes.`;
  await context.out.result([done], {
    approval_id: approvalId,
    status: answer.status,
    sequence: executedSequence === undefined ? null : Number(executedSequence),
    permit_expires_at: permitExpiresAt === undefined
      ? null
      : timestampDate(permitExpiresAt).toISOString(),
  });
  return EXIT.ok;
}

async function deny(context: CommandContext, id: string, reason: string): Promise<number> {
  if (reason.trim() === "") throw usageFailure("-m: the reason is blank");
  const { approvalId, status } = await decide(context, id, "rejected", reason);
  await context.out.result([`Denied ${printable(approvalId)}. Original operation cancelled.`], {
    approval_id: approvalId,
    status,
  });
  return EXIT.ok;
}

/**
 * The decision as the journal took it. Its refusals are in the answer, their codes in the trailer
 * (API-42).
 *
 * @throws {Failure} exit 2 for one's own request, 4 for a closed one, 16 for an expired one.
 */
async function decide(
  { session }: CommandContext,
  id: string,
  decision: "approved" | "rejected",
  reason: string | undefined,
): Promise<policy.DecideApprovalResponse> {
  const { peer, policy } = await session.journal();
  let code = "";
  const request = {
    approvalId: fullPrefix(id),
    decision,
    ...(reason === undefined ? {} : { reason }),
  };
  const answer = await peer.write((call) =>
    policy.decideApproval(request, {
      ...call,
      onTrailer: (trailer) => void (code = trailer.get(ERROR_TRAILER) ?? ""),
    })
  );
  if (answer.success) return answer;
  throw refusal(answer, code);
}

function refusal({ error = "", status }: policy.DecideApprovalResponse, code: string): Failure {
  if (code === "SELF_APPROVAL") {
    return codedFailure(
      "SELF_APPROVAL",
      "Cannot approve your own request (P4: self-approval denied)",
    );
  }
  if (status === "Expired") {
    return new Failure("APPROVAL_CLOSED", error, EXIT.approvalRejected, [
      "the requester can ask again",
    ]);
  }
  return codedFailure(isErrorCode(code) ? code : "INTERNAL", error);
}

/** People may leave out the `ap-`. */
function fullPrefix(id: string): string {
  return id.startsWith("ap-") ? id : `ap-${id}`;
}

function approvalJson(approval: policy.PendingApprovalEntry) {
  const { createdAt, expiresAt, executedSequence, proposedChange } = approval;
  const instant = (at: typeof createdAt) =>
    at === undefined ? null : timestampDate(at).toISOString();
  return {
    id: approval.approvalId,
    status: approval.status,
    action: approval.action,
    scope: approval.scope,
    vcluster_id: approval.vclusterId,
    requester: approval.requester,
    summary: approval.summary,
    created_at: instant(createdAt),
    expires_at: instant(expiresAt),
    approver: approval.approver || null,
    reason: approval.reason || null,
    decided_at: instant(approval.decidedAt),
    sequence: executedSequence === undefined ? null : Number(executedSequence),
    execution_error: approval.executionError || null,
    permit_expires_at: instant(approval.permitExpiresAt),
    permit_used_at: instant(approval.permitUsedAt),
    changes: proposedChange === undefined ? [] : deltaJson(deltaFromWire(proposedChange)),
  };
}

/** `30s ago`, `12 min ago`, `2 hr ago` (CLI-102). */
function ageText({ createdAt }: policy.PendingApprovalEntry, nowMs: number): string {
  return createdAt === undefined ? "-" : `${roughly(nowMs - +timestampDate(createdAt))} ago`;
}

function expiryText({ expiresAt }: policy.PendingApprovalEntry, nowMs: number): string {
  return expiresAt === undefined ? "-" : `in ${roughly(+timestampDate(expiresAt) - nowMs)}`;
}

function roughly(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} hr`;
}
