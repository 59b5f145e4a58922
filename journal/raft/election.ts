import { broadcastAppend } from "./replication.ts";
import { NO_BYTES, type Term } from "./entry.ts";
import { NO_NODE, type NodeId } from "./ids.ts";
import { voterIds } from "./membership/mod.ts";
import { type Message, type MessageType, TRANSFER_CONTEXT } from "./messages.ts";
import { send } from "./outbox.ts";
import { memberFrom, type RaftState } from "./raft_state.ts";
import { becomeCandidate, becomeFollower, becomeLeader, becomePreCandidate } from "./roles.ts";

/** What an election is held for. A transfer needs no pre-vote: the leader itself asked for it. */
export type Campaign = "pre-election" | "election" | "transfer";

/** Campaigns if this member may lead. */
export function tryCampaign(state: RaftState, campaign: Campaign): void {
  if (state.role === "leader") return;
  if (!state.isPromotable) {
    state.tell({ kind: "campaign-refused", reason: "not-promotable" });
  } else if (hasUnappliedChange(state)) {
    // A member that does not know the newest configuration would count the wrong voters.
    state.tell({ kind: "campaign-refused", reason: "unapplied-change" });
  } else {
    start(state, campaign);
  }
}

/** The campaign that a member begins by itself. */
export function ownCampaign({ settings }: RaftState): Campaign {
  return settings.preVote ? "pre-election" : "election";
}

function start(state: RaftState, campaign: Campaign): void {
  const isPreElection = campaign === "pre-election";
  if (isPreElection) becomePreCandidate(state);
  else becomeCandidate(state);
  const type = isPreElection ? "PreVote" : "Vote";
  const term = isPreElection ? state.term + 1 : state.term;
  const context = campaign === "transfer" ? TRANSFER_CONTEXT : NO_BYTES;
  const last = state.log.lastEntryId;
  for (const to of voterIds(state.tracker.configuration)) {
    // The own vote, too, counts only once it is durable.
    if (to === state.id) send(state, { type: answerTo(type), to, term });
    else send(state, { type, to, term, logTerm: last.term, index: last.index, context });
  }
}

function answerTo(type: "Vote" | "PreVote"): "VoteResp" | "PreVoteResp" {
  return type === "Vote" ? "VoteResp" : "PreVoteResp";
}

/** How many bytes of committed entries are looked at in one go. */
const SCAN_BYTES = 1 << 20;

function hasUnappliedChange({ log }: RaftState): boolean {
  // What an unstable snapshot stands for need not be applied; the member is not promotable then.
  for (let low = log.applied + 1; low <= log.committed;) {
    const page = log.slice(low, log.committed + 1, SCAN_BYTES) ?? [];
    if (page.length === 0 || page.some(({ kind }) => kind === "membership")) return true;
    low += page.length;
  }
  return false;
}

/** Answers a Vote or PreVote; its term is not below ours. Learners vote too: whether they are still learners may be news that has not reached them. */
export function answerVote(state: RaftState, request: Message): void {
  const { type, term, logTerm, index } = request;
  if (type !== "Vote" && type !== "PreVote") return;
  const candidate = memberFrom(request);
  const isGranted = mayVote(state, candidate, type, term) &&
    state.log.isUpToDate({ term: logTerm, index });
  state.tell({ kind: "vote-answered", type, candidate, isGranted });
  if (!isGranted) {
    send(state, { type: answerTo(type), to: candidate, term: state.term, reject: true });
    return;
  }
  // The request's term, not ours: a pre-candidate counts answers about the term to come.
  send(state, { type: answerTo(type), to: candidate, term });
  if (type === "PreVote") return;
  state.electionElapsedTicks = 0;
  state.vote = candidate;
}

function mayVote(state: RaftState, candidate: NodeId, type: MessageType, term: Term): boolean {
  if (state.vote === candidate) return true;
  if (state.vote === NO_NODE && state.leader === NO_NODE) return true;
  return type === "PreVote" && term > state.term;
}

/** A candidate counts an answer of its own phase. */
export function countVote(state: RaftState, answer: Message): void {
  state.tracker.recordVote(memberFrom(answer), !answer.reject);
  switch (state.tracker.tally()) {
    case "won":
      if (state.role === "pre-candidate") {
        start(state, "election");
      } else {
        becomeLeader(state);
        broadcastAppend(state);
      }
      return;
    case "lost":
      becomeFollower(state, state.term, NO_NODE);
      return;
    case "pending":
      return;
  }
}
