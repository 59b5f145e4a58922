import { create } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { journal } from "../../api/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import { type Scope, scopeText } from "../../common/model/mod.ts";
import { instantToWire } from "../../common/wire/mod.ts";
import { type Caller, identityOf } from "../access/mod.ts";
import type { Applied } from "../replica/mod.ts";
import {
  type Approval,
  type Conflict,
  conflictValueText,
  type Emergency,
  type Notice,
} from "../state/mod.ts";
import { Inbox } from "../streams/mod.ts";
import { callerWithRole, type ServiceContext } from "./context.ts";
import { isRequester } from "./list_approvals.ts";
import { vclusterIdFromWire } from "./identifiers.ts";
import { tokenExpiry } from "./token_expiry.ts";

/** A message, and the notice that is read with it. */
interface Outgoing {
  readonly message: journal.AdminNotification;
  readonly noticeKey?: string;
}

/** Who listens, and to which vCluster, if not to all. */
interface Listener {
  readonly context: ServiceContext;
  readonly caller: Caller;
  readonly vclusterId: string;
}

/**
 * What an administrator should know while a session is open, and before it what was left for them
 * since: overwritten values, approvals they may decide or asked for, stale emergencies, conflicts
 * (SUB-10, CR5). A notice to one person is forgotten once it was sent to them; a stale emergency is
 * told to every new session until it is ended (EMG-4).
 *
 * @throws {PactError} SUBSCRIBER_LAGGED for a client that does not read.
 */
export async function* notifications(
  context: ServiceContext,
  request: journal.SubscribeNotificationsRequest,
  call: HandlerContext,
): AsyncGenerator<journal.AdminNotification> {
  const { replica, clock } = context;
  const caller = callerWithRole(call);
  const vclusterId = request.vclusterId === "" ? "" : vclusterIdFromWire(request.vclusterId);
  const listener = { context, caller, vclusterId };
  const inbox = new Inbox<Outgoing>();
  const stop = replica.onApplied((applied) => {
    for (const outgoing of fromChanges(listener, applied)) inbox.push(outgoing);
  });
  const expiry = tokenExpiry(caller, clock);
  const signal = AbortSignal.any([call.signal, expiry.signal]);
  signal.addEventListener("abort", () => inbox.wake(), { once: true });
  try {
    for (const [key, notice] of [...replica.state.list("notices")]) {
      yield* send(listener, fromNotice(listener, key, notice));
    }
    for (const [, { session_id }] of [...replica.state.list("open_emergencies")]) {
      const session = replica.state.get("emergencies", session_id);
      yield* send(listener, fromEmergency(listener, session));
    }
    while (!signal.aborted) {
      await inbox.wait();
      const { isLagging } = inbox;
      for (const outgoing of inbox.take()) yield* send(listener, [outgoing]);
      if (isLagging) throw new PactError("SUBSCRIBER_LAGGED", "SUBSCRIBER_LAGGED: subscribe again");
    }
    if (expiry.signal.aborted) throw new PactError("UNAUTHENTICATED", "token expired");
  } finally {
    expiry.cancel();
    stop();
  }
}

async function* send(
  { context, caller }: Listener,
  outgoing: readonly Outgoing[],
): AsyncGenerator<journal.AdminNotification> {
  for (const { message, noticeKey } of outgoing) {
    yield message;
    if (noticeKey === undefined) continue;
    const actor = identityOf(caller, caller.principal.roles[0] ?? "");
    try {
      await context.replica.submit({ type: "DropNotices", keys: [noticeKey] }, { actor });
    } catch (error) {
      // It is sent again to the next session, or forgotten after a day.
      context.log.warn("a notice that was sent stays", { error: String(error) });
    }
  }
}

function fromChanges(listener: Listener, { writes }: Applied): Outgoing[] {
  const { state } = listener.context.replica;
  return [
    ...[...writes.notices].flatMap(([key, notice]) => fromNotice(listener, key, notice)),
    ...[...writes.approvals.values()].flatMap((approval) => fromApproval(listener, approval)),
    ...[...writes.emergencies.values()].flatMap((session) => fromEmergency(listener, session)),
    // A conflict that is closed again in the same command is no news.
    ...[...writes.conflicts.keys()].flatMap((id) =>
      fromConflict(listener, state.get("conflicts", id))
    ),
  ];
}

function fromNotice(listener: Listener, key: string, notice: Notice | undefined): Outgoing[] {
  if (notice === undefined) return [];
  const { principal, node_id, at, keys, text, by, kind } = notice;
  const isPersonal = principal === listener.caller.principal.principal;
  if (!isPersonal && (principal !== undefined || !may(listener, "commit", { Node: node_id }))) {
    return [];
  }
  const message = create(journal.AdminNotificationSchema, {
    kind,
    timestamp: instantToWire(at),
    nodeId: node_id,
    keys,
    text,
    by,
  });
  return [isPersonal ? { message, noticeKey: key } : { message }];
}

/** A request for whoever may decide it, a decision for whoever asked. */
function fromApproval(listener: Listener, approval: Approval | undefined): Outgoing[] {
  // That its permit was used is no news to who used it.
  if (approval === undefined || approval.permit?.used_at !== undefined) return [];
  const { requester, approver, status, approval_id, summary, scope, reason } = approval;
  const isOwn = isRequester(listener.caller, approval);
  const isForMe = status === "Pending" ? !isOwn && may(listener, "approve", scope) : isOwn;
  if (!isForMe) return [];
  const message = create(journal.AdminNotificationSchema, {
    kind: "approval",
    timestamp: instantToWire(approval.decided_at ?? approval.created_at),
    text: `${approval_id} ${status}: ${summary}${reason === undefined ? "" : ` (${reason})`}`,
    by: (status === "Pending" ? requester : approver ?? requester).principal,
    approvalId: approval_id,
  });
  return [{ message }];
}

function fromEmergency(listener: Listener, session: Emergency | undefined): Outgoing[] {
  if (session?.stale_since === undefined || session.ended_at !== undefined) return [];
  const { id, scope, principal, reason, stale_since } = session;
  if (!may(listener, "emergency_end", scope)) return [];
  const message = create(journal.AdminNotificationSchema, {
    kind: "stale_emergency",
    timestamp: instantToWire(stale_since),
    nodeId: scope !== "Global" && "Node" in scope ? scope.Node : "",
    text: `emergency session ${id} on ${scopeText(scope)} is stale, end it: ${reason}`,
    by: principal,
  });
  return [{ message }];
}

function fromConflict(listener: Listener, conflict: Conflict | undefined): Outgoing[] {
  if (conflict?.state !== "Open") return [];
  const { node_id, key, local, journal: theirs, deadline, detected_at, reported_by } = conflict;
  if (!may(listener, "commit", { Node: node_id })) return [];
  const values = `local=${conflictValueText(local)} journal=${conflictValueText(theirs)}`;
  const message = create(journal.AdminNotificationSchema, {
    kind: "conflict",
    timestamp: instantToWire(detected_at),
    nodeId: node_id,
    keys: [key],
    text: `conflict: ${key} ${values} until ${deadline}`,
    by: reported_by,
  });
  return [{ message }];
}

/** Whether the matter lies in the listener's vCluster and is theirs to act on. */
function may({ context, caller, vclusterId }: Listener, action: string, scope: Scope): boolean {
  const { gatekeeper } = context;
  if (vclusterId !== "" && gatekeeper.vclusterOf(scope) !== vclusterId) return false;
  return gatekeeper.decide({ caller, action, scope }).outcome !== "deny";
}
