import { type Entry, type Index, NO_BYTES, type Term } from "./entry.ts";
import { type Address, NO_NODE, type NodeId } from "./ids.ts";
import type { Snapshot } from "./snapshot.ts";

/** All kinds of messages; the place in the list is the number on the wire. */
export const MESSAGE_TYPES = [
  "Hup",
  "Beat",
  "Prop",
  "App",
  "AppResp",
  "Vote",
  "VoteResp",
  "Snap",
  "Heartbeat",
  "HeartbeatResp",
  "Unreachable",
  "SnapStatus",
  "CheckQuorum",
  "TransferLeader",
  "TimeoutNow",
  "ReadIndex",
  "ReadIndexResp",
  "PreVote",
  "PreVoteResp",
  "StorageAppend",
  "StorageAppendResp",
  "StorageApply",
  "StorageApplyResp",
  "ForgetLeader",
] as const;

export type MessageType = typeof MESSAGE_TYPES[number];

/** What members and their storage threads tell each other. Immutable, lists included. */
export interface Message {
  readonly type: MessageType;
  /** NO_NODE until it is sent: the sender is then the member itself. */
  readonly from: Address;
  readonly to: Address;
  /** 0 for what is local or is not bound to a term. */
  readonly term: Term;
  /** With `index`, of the entry before the first one sent; of a candidate's last entry. */
  readonly logTerm: Term;
  /** In an answer: the highest place that matches. */
  readonly index: Index;
  readonly entries: readonly Entry[];
  readonly commit: Index;
  /** Only to the append thread: the vote to save. */
  readonly vote: NodeId;
  readonly snapshot?: Snapshot;
  readonly reject: boolean;
  /** In a refused append: where the log can at best agree. */
  readonly rejectHint: Index;
  /** Of a read, of a vote that a transfer asks for, or of an append that wants no answer. */
  readonly context: Uint8Array;
  /** Only to storage threads: to be sent once the work is done. */
  readonly responses: readonly Message[];
}

/** What of a message differs from an empty one. */
export type MessageDraft = Pick<Message, "type" | "to"> & Partial<Omit<Message, "type" | "to">>;

/** The message, from `from` in `term` where these are not the draft's own. */
export function message(
  draft: MessageDraft,
  from: Address = draft.from ?? NO_NODE,
  term: Term = draft.term ?? 0,
): Message {
  // Field by field: to spread a draft over the rest takes five times as long.
  const { snapshot } = draft;
  const made = {
    type: draft.type,
    from,
    to: draft.to,
    term,
    logTerm: draft.logTerm ?? 0,
    index: draft.index ?? 0,
    entries: draft.entries ?? NOTHING,
    commit: draft.commit ?? 0,
    vote: draft.vote ?? NO_NODE,
    reject: draft.reject ?? false,
    rejectHint: draft.rejectHint ?? 0,
    context: draft.context ?? NO_BYTES,
    responses: draft.responses ?? NOTHING,
  };
  return snapshot === undefined ? made : { ...made, snapshot };
}

const NOTHING: readonly never[] = [];

const LOCAL: ReadonlySet<MessageType> = new Set<MessageType>([
  "Hup",
  "Beat",
  "Unreachable",
  "SnapStatus",
  "CheckQuorum",
  "StorageAppend",
  "StorageAppendResp",
  "StorageApply",
  "StorageApplyResp",
]);

const RESPONSES: ReadonlySet<MessageType> = new Set<MessageType>([
  "AppResp",
  "VoteResp",
  "HeartbeatResp",
  "Unreachable",
  "ReadIndexResp",
  "PreVoteResp",
  "StorageAppendResp",
  "StorageApplyResp",
]);

/** Only the member itself and its storage threads may produce it. */
export function isLocalType(type: MessageType): boolean {
  return LOCAL.has(type);
}

/** Answers something, so the sender must be a member. */
export function isResponseType(type: MessageType): boolean {
  return RESPONSES.has(type);
}

/**
 * Answers that promise something about what is on disk: they may leave only when everything that
 * was not durable at the time of the answer is.
 */
export function waitsForStorage(type: MessageType): boolean {
  return type === "AppResp" || type === "VoteResp" || type === "PreVoteResp";
}

/** Votes and pre-votes name the term they are about; all others go out under the member's own. */
export function hasOwnTerm(type: MessageType): boolean {
  return type === "Vote" || type === "VoteResp" || type === "PreVote" || type === "PreVoteResp";
}

const CAMPAIGN_TRANSFER = "CampaignTransfer";

/** The context of a vote that the leader itself asked for, so that its lease does not matter. */
export const TRANSFER_CONTEXT: Uint8Array = new TextEncoder().encode(CAMPAIGN_TRANSFER);

export function isTransferContext(context: Uint8Array): boolean {
  return isSame(context, TRANSFER_CONTEXT);
}

/**
 * The context of an append that only tells what is committed: who takes it need not answer. In the
 * context, because members that know nothing of this pass over it and answer as always.
 */
export const COMMIT_CONTEXT: Uint8Array = new TextEncoder().encode("CommitOnly");

export function isCommitContext(context: Uint8Array): boolean {
  return isSame(context, COMMIT_CONTEXT);
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
