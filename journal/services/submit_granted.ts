import type { HandlerContext } from "@connectrpc/connect";
import { PactError } from "../../common/errors/mod.ts";
import { type Identity, type Scope, scopeText, type StateDelta } from "../../common/model/mod.ts";
import { readRequestId } from "../../common/rpc/mod.ts";
import { type Caller, type Grant, identityOf } from "../access/mod.ts";
import {
  type AuditNote,
  type Command,
  type CommandInput,
  type CommandResult,
  CommandSchema,
} from "../state/mod.ts";
import type { RequestDetails } from "../policy/mod.ts";
import { redactNote } from "../replica/mod.ts";
import { auditNote } from "./audit_note.ts";
import { type ServiceContext, waitSignalOf } from "./context.ts";
import { approvalRequired, fileApproval } from "./hold.ts";

/** A change that the policy grants, at once or once a second person agrees. */
export interface GrantedChange {
  readonly action: string;
  readonly scope: Scope;
  readonly command: CommandInput;
  /** Who makes it; by default the caller in the role that decided. */
  readonly actor?: Identity;
  /** For the audit record. */
  readonly detail?: string;
  /** What the rules looked at besides (OPA-4). */
  readonly details?: RequestDetails | undefined;
  /** Where else the requester must still be allowed the action when it is carried out. */
  readonly alsoIn?: readonly { readonly scope: Scope; readonly role: string }[];
  /** Newest changes that it was worked out from, by scope text. */
  readonly heads?: Readonly<Record<string, number>>;
  readonly requestId?: string | undefined;
}

/** Most keys a summary names. */
const MAX_KEYS = 5;

/**
 * Makes a granted change; where a second person has to agree it is filed instead.
 *
 * @throws {PactError} APPROVAL_REQUIRED with the approval in the trailers, or what the journal
 * refuses.
 */
export function submitGranted(
  context: ServiceContext,
  call: HandlerContext,
  caller: Caller,
  grant: Grant,
  change: GrantedChange,
): Promise<CommandResult> {
  const { action, scope, command } = change;
  const actor = change.actor ?? identityOf(caller, grant.role);
  const requestId = change.requestId ?? readRequestId(call.requestHeader);
  const audit = auditNote(call, caller, {
    action,
    scope,
    policyRef: grant.policyRef,
    vclusterId: context.gatekeeper.vclusterOf(scope),
    details: change.details,
    detail: change.detail,
    isExempt: grant.isExempt,
  });
  if (grant.needsApproval !== true) {
    return context.replica.submit(command, {
      actor,
      signal: waitSignalOf(call),
      audit,
      requestId,
    });
  }
  return held(context, caller, { ...change, actor, requestId }, audit);
}

async function held(
  context: ServiceContext,
  caller: Caller,
  change: GrantedChange & { readonly actor: Identity },
  audit: AuditNote,
): Promise<never> {
  const { action, scope, alsoIn = [], actor, heads, requestId } = change;
  const command = checked(change.command);
  const filed = await fileApproval(context, {
    request: {
      kind: "command",
      command,
      access: [{ scope, role: actor.role }, ...alsoIn].map((each) => ({ action, ...each })),
      // It waits in the log, and is put on record from there.
      audit: redactNote(audit),
      ...(heads === undefined ? {} : { heads: { ...heads } }),
    },
    action,
    scope,
    summary: summaryOf(action, scope, command),
    requester: actor,
    subject: caller.principal.subject,
    via: caller.certificateName,
    requestId,
  });
  throw approvalRequired(action, scope, filed);
}

/** Judged before it waits: a command that could never be carried out is refused at once. */
function checked(command: CommandInput): Command {
  const parsed = CommandSchema.safeParse(command);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new PactError(
    "INVALID_ARGUMENT",
    `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "invalid command"}`,
  );
}

/** One line about what would be done. */
function summaryOf(action: string, scope: Scope, command: Command): string {
  return [`${action} on ${scopeText(scope)}`, ...facts(command)].join("; ");
}

function facts(command: Command): string[] {
  switch (command.type) {
    case "AppendEntry":
    case "Promote": {
      const { message, state_delta, parent, emergency_reason } = command.entry;
      return [
        message ?? "",
        emergency_reason ?? "",
        parent === undefined ? "" : `target seq:${parent}`,
        deltaSummary(state_delta),
      ].filter((text) => text !== "");
    }
    case "SetBlacklist":
      return [
        ...command.add.map((glob) => `+${glob}`),
        ...command.remove.map((glob) => `-${glob}`),
      ];
    case "AssignNodeToVCluster":
      return [`node ${command.node_id} to ${command.vcluster_id}`];
    case "MoveNodeVCluster":
      return [`node ${command.node_id} to ${command.to_vcluster_id}`];
    case "ResolveConflict":
      return [`conflict ${command.conflict_id}: keep the ${command.accept} value`];
    default:
      return [];
  }
}

/** The first keys of a delta, and how many there are beyond them. */
export function deltaSummary(delta: StateDelta | undefined): string {
  const keys = Object.entries(delta ?? {}).flatMap(([category, items]) =>
    (items ?? []).map(({ key }) => `${category}:${key}`)
  );
  const more = keys.length - MAX_KEYS;
  return keys.slice(0, MAX_KEYS).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
