/**
 * Apply: what one command does to the state. A pure function of state and command (JRN-20); the
 * same commands in the same order give the same bytes on every member.
 *
 * @module
 */
import type { Entry } from "../../common/model/mod.ts";
import { appendEntry } from "./append_entry.ts";
import { createApproval, decideApproval, redeemPermit } from "./approvals.ts";
import { assignNode, assignToVCluster, moveNode, unassignNode } from "./assignment.ts";
import { purgeAudit } from "./audit_retention.ts";
import { recordCheckpoint } from "./checkpoints.ts";
import type { Command, Envelope } from "./commands.ts";
import type { CommandResult } from "./documents.ts";
import {
  activateNode,
  deactivateNode,
  registerNode,
  revokeNode,
  updateLastSeen,
  updateNodeCert,
} from "./enrollment.ts";
import { closeSession, markStale, openSession } from "./emergency_sessions.ts";
import { expireLocks, releaseLock, setLock } from "./locks.ts";
import { purgeExpired } from "./purge.ts";
import { dropNotices } from "./notices.ts";
import { updateNodeState } from "./node_state.ts";
import { publishCa, recordOperation, recordSuccess, reportCapability } from "./operations.ts";
import { promote } from "./promote.ts";
import { firstResult, isRemembered, rememberResult, requestKey } from "./requests.ts";
import { resolveConflict } from "./resolve_conflict.ts";
import { expireTtl } from "./rollback.ts";
import { setOverlay } from "./set_overlay.ts";
import { reject, RejectedError, type Rejection, Transaction } from "./transaction.ts";
import { assignUid, joinOrg, leaveOrg } from "./uid_map.ts";
import { setBlacklist, setPolicy } from "./vcluster_settings.ts";
import { type DocumentChanges, emptyTables, type StateView } from "./view.ts";

/** What a command did. A rejected one did nothing (JRN-21). */
export type Outcome =
  | {
    readonly kind: "applied";
    readonly result: CommandResult;
    readonly entries: readonly Entry[];
    /** The canonical JSON of each of `entries`, as it is to be stored. */
    readonly entryTexts: readonly string[];
    readonly writes: DocumentChanges;
  }
  | { readonly kind: "repeated"; readonly result: CommandResult }
  | {
    readonly kind: "rejected";
    readonly rejection: Rejection;
    /** That it was rejected, under its request id: a copy that comes later must not take effect. */
    readonly writes: DocumentChanges;
  };

/** Applies one command to `view` and says what changes; `view` itself stays as it is. */
export function apply(view: StateView, envelope: Envelope): Outcome {
  const tx = new Transaction(view, envelope.timestamp, envelope.actor, envelope.request_id);
  const { type } = envelope.command;
  const key = requestKey(tx);
  try {
    const repeated = firstResult(tx, key, type);
    if (repeated?.kind === "Rejected") {
      return { kind: "rejected", rejection: repeated.rejection, writes: emptyTables() };
    }
    if (repeated !== undefined) return { kind: "repeated", result: repeated };
    checkActor(tx);
    const result = perform(tx, envelope.command);
    if (envelope.audit !== undefined) {
      recordSuccess(tx, envelope.audit);
    }
    rememberResult(tx, key, type, result);
    const { entries, entryTexts, writes } = tx;
    return { kind: "applied", result, entries, entryTexts, writes };
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error;
    const { rejection } = error;
    return { kind: "rejected", rejection, writes: memoryOf(view, envelope, rejection) };
  }
}

/** What is remembered of a rejected command: nothing but the rejection (JRN-21, JRN-57). */
function memoryOf(view: StateView, envelope: Envelope, rejection: Rejection): DocumentChanges {
  const tx = new Transaction(view, envelope.timestamp, envelope.actor, envelope.request_id);
  const { type } = envelope.command;
  const key = requestKey(tx);
  if (!isRemembered(tx, key)) rememberResult(tx, key, type, { kind: "Rejected", rejection });
  return tx.writes;
}

/** Whatever is written names who wrote it (J3). */
function checkActor({ actor }: Transaction): void {
  if (actor.principal === "") reject("INVALID_ARGUMENT", "author principal required");
  if (actor.role === "") reject("INVALID_ARGUMENT", "author role required");
}

function perform(tx: Transaction, command: Command): CommandResult {
  switch (command.type) {
    case "AppendEntry":
      return appendEntry(tx, command);
    case "Promote":
      return promote(tx, command);
    case "UpdateNodeState":
      return updateNodeState(tx, command);
    case "SetPolicy":
      return setPolicy(tx, command);
    case "SetOverlay":
      return setOverlay(tx, command);
    case "RecordOperation":
      return recordOperation(tx, command);
    case "AssignNode":
      return assignNode(tx, command);
    case "RegisterNode":
      return registerNode(tx, command);
    case "ActivateNode":
      return activateNode(tx, command);
    case "DeactivateNode":
      return deactivateNode(tx, command);
    case "RevokeNode":
      return revokeNode(tx, command);
    case "AssignNodeToVCluster":
      return assignToVCluster(tx, command);
    case "UnassignNode":
      return unassignNode(tx, command);
    case "MoveNodeVCluster":
      return moveNode(tx, command);
    case "UpdateNodeLastSeen":
      return updateLastSeen(tx, command);
    case "UpdateNodeCert":
      return updateNodeCert(tx, command);
    case "SetBlacklist":
      return setBlacklist(tx, command);
    case "OpenEmergency":
      return openSession(tx, command);
    case "CloseEmergency":
      return closeSession(tx, command);
    case "MarkEmergenciesStale":
      return markStale(tx, command);
    case "ResolveConflict":
      return resolveConflict(tx, command);
    case "SetLock":
      return setLock(tx, command);
    case "ReleaseLock":
      return releaseLock(tx, command);
    case "ExpireLocks":
      return expireLocks(tx, command);
    case "AssignUid":
      return assignUid(tx, command);
    case "JoinOrg":
      return joinOrg(tx, command);
    case "LeaveOrg":
      return leaveOrg(tx, command);
    case "DropNotices":
      return dropNotices(tx, command);
    case "PurgeAudit":
      return purgeAudit(tx, command);
    case "PurgeExpired":
      return purgeExpired(tx);
    case "ReportCapability":
      return reportCapability(tx, command);
    case "PublishCa":
      return publishCa(tx, command);
    case "ExpireTtl":
      return expireTtl(tx, command);
    case "RecordCheckpoint":
      return recordCheckpoint(tx, command);
    case "CreateApproval":
      return createApproval(tx, command);
    case "DecideApproval":
      return decideApproval(tx, command, perform);
    case "RedeemPermit":
      return redeemPermit(tx, command);
  }
}
