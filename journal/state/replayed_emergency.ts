/**
 * Emergencies that people opened or ended on a node while it was alone, when the node tells of them
 * afterwards (EMM-8). What cannot hold any more is not refused but kept in the log as a comment.
 *
 * | open in the journal            | start, open on the node    | start, ended there by now | end                      |
 * |--------------------------------|----------------------------|---------------------------|--------------------------|
 * | none                           | opens                      | opens, until its end comes | comment                 |
 * | the node's, as old or older    | comment                    | comment                   | ends the one it names,   |
 * | the node's, younger            | opens; the other: comment  | comment                   | for another one: comment |
 * | the vCluster's, as old or older | comment                   | comment                   | comment                  |
 * | the vCluster's, younger        | opens beside it            | opens beside it           | comment                  |
 *
 * An end names the emergency by the `parent` of its entry, the sequence that opened it; without one it
 * is of the emergency that the node told of just before.
 *
 * @module
 */
import { type Entry, type EntryDraft, scopeText } from "../../common/model/mod.ts";
import type { Emergency } from "./documents.ts";
import { refuseMachine } from "./emergency.ts";
import { emergencyOf } from "./node_state.ts";
import { reject, type Transaction } from "./transaction.ts";

/** Longest text of an entry (JRN-12). */
const MAX_MESSAGE_CHARS = 4096;

/** What is appended for an entry about an emergency. */
export interface MergedEmergency {
  /** The entry as it came, or the comment that it has become. */
  readonly draft: EntryDraft;
  /** The younger emergency whose place this one takes; it is closed already. */
  readonly superseded?: Emergency;
  /** A start that was held against what is open: nothing else stands in its way. */
  readonly isMergedStart?: boolean;
}

/** Whether an entry tells of what a node did while it was alone (JRN-24). */
function isReplayed({ received_at }: EntryDraft): boolean {
  return received_at !== undefined;
}

/** Holds a replayed entry about a node's emergency against what is open; others stay as they are. */
export function mergeReplayed(
  tx: Transaction,
  draft: EntryDraft,
  isOver: boolean,
): MergedEmergency {
  const { entry_type, scope } = draft;
  if (!isReplayed(draft) || scope === "Global" || !("Node" in scope)) return { draft };
  if (entry_type === "EmergencyStart") {
    return { ...mergeStart(tx, draft, scope.Node, isOver), isMergedStart: true };
  }
  if (entry_type === "EmergencyEnd") return mergeEnd(tx, draft);
  return { draft };
}

function mergeStart(
  tx: Transaction,
  draft: EntryDraft,
  nodeId: string,
  isOver: boolean,
): MergedEmergency {
  refuseMachine(draft.author);
  const reason = draft.emergency_reason ?? "";
  if (reason.trim() === "") reject("INVALID_ARGUMENT", "emergency reason required");
  const id = emergencyOf(tx, nodeId);
  const open = id === undefined ? undefined : tx.get("emergencies", id);
  if (open === undefined) return { draft };
  const isOlder = Date.parse(draft.timestamp) < Date.parse(open.started_at);
  const isOfVCluster = open.scope !== "Global" && "VCluster" in open.scope;
  if (isOlder && isOfVCluster) return { draft };
  if (isOlder && !isOver) {
    supersede(tx, open, draft);
    return { draft, superseded: open };
  }
  const text = `emergency opened on the node alone, merged into ${named(open)}: ${reason}`;
  return { draft: comment(draft, open, text) };
}

function mergeEnd(tx: Transaction, draft: EntryDraft): MergedEmergency {
  refuseMachine(draft.author);
  const id = tx.get("open_emergencies", scopeText(draft.scope))?.session_id;
  const open = id === undefined ? undefined : tx.get("emergencies", id);
  if (open === undefined) {
    const text = "emergency ended on the node alone: none is open any more";
    return { draft: comment(draft, undefined, text) };
  }
  const isMeant = draft.parent === undefined
    ? open.opened_on_node === true
    : open.id === `em-${draft.parent}`;
  if (isMeant) return { draft };
  const text = `emergency ended on the node alone: another one stays open, ${named(open)}`;
  return { draft: comment(draft, open, text) };
}

/** Closes the younger of two emergencies of a node; what it was for is told by {@link recordSuperseded}. */
function supersede(tx: Transaction, younger: Emergency, { author }: EntryDraft): void {
  tx.put("emergencies", younger.id, {
    ...younger,
    ended_at: tx.timestamp,
    ended_by: author.principal,
    forced: author.principal !== younger.principal,
  });
  tx.delete("open_emergencies", scopeText(younger.scope));
}

/** Puts the younger emergency on record as a comment on the older one, which `entry` has opened. */
export function recordSuperseded(tx: Transaction, younger: Emergency, entry: Entry): void {
  const text =
    `${named(younger)} merged into em-${entry.sequence}, which was opened before it on ` +
    `the node alone: ${younger.reason}`;
  tx.record({
    entry_type: "MergeConflict",
    scope: entry.scope,
    parent: entry.sequence,
    policy_ref: `emergency:em-${entry.sequence}`,
    message: text.slice(0, MAX_MESSAGE_CHARS),
  });
}

function comment(draft: EntryDraft, open: Emergency | undefined, message: string): EntryDraft {
  return {
    ...draft,
    entry_type: "MergeConflict",
    message: message.slice(0, MAX_MESSAGE_CHARS),
    // EMG-5: what belongs to an emergency refers to it.
    ...(open === undefined ? {} : { policy_ref: `emergency:${open.id}` }),
  };
}

function named({ id, principal, started_at }: Emergency): string {
  return `${id} of ${principal} since ${started_at}`;
}
