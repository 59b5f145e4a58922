import { entriesApplied, snapshotApplied } from "./applied.ts";
import { stepCandidate } from "./candidate.ts";
import { answerVote, ownCampaign, tryCampaign } from "./election.ts";
import { stepFollower } from "./follower.ts";
import { NO_NODE } from "./ids.ts";
import { stepLeader } from "./leader.ts";
import { isTransferContext, type Message } from "./messages.ts";
import { send } from "./outbox.ts";
import { memberFrom, type RaftState } from "./raft_state.ts";
import { becomeFollower } from "./roles.ts";

/**
 * The one way in: handles a message, first by its term, then by its type or the member's role.
 *
 * @throws {RaftError} for a proposal or read that is refused
 */
export function step(state: RaftState, message: Message): void {
  if (message.term > state.term) {
    if (isKeptOffByLease(state, message)) {
      state.tell({ kind: "vote-ignored", candidate: memberFrom(message) });
      return;
    }
    followHigherTerm(state, message);
  } else if (message.term > 0 && message.term < state.term) {
    answerLowerTerm(state, message);
    return;
  }
  stepInTerm(state, message);
}

/** While a leader is surely there, nobody may disturb it, unless it asked for the election. */
function isKeptOffByLease(state: RaftState, { type, context }: Message): boolean {
  if (type !== "Vote" && type !== "PreVote") return false;
  const inLease = state.settings.checkQuorum && state.leader !== NO_NODE &&
    state.electionElapsedTicks < state.settings.electionTicks;
  return inLease && !isTransferContext(context);
}

function followHigherTerm(state: RaftState, message: Message): void {
  switch (message.type) {
    case "PreVote":
      // The sender is not there yet and may never be.
      return;
    case "PreVoteResp":
      // A grant names the term we asked about, a refusal the term of whoever refuses.
      if (message.reject) becomeFollower(state, message.term, NO_NODE);
      return;
    case "App":
    case "Heartbeat":
    case "Snap":
      becomeFollower(state, message.term, memberFrom(message));
      return;
    default:
      becomeFollower(state, message.term, NO_NODE);
      return;
  }
}

function answerLowerTerm(state: RaftState, message: Message): void {
  const { type, term, from: to } = message;
  const { checkQuorum, preVote } = state.settings;
  if ((type === "Heartbeat" || type === "App") && (checkQuorum || preVote)) {
    // We have moved on, yet may win no election while a lease or pre-vote keeps us off: let the
    // old leader hear of our term, or we would never agree with it again.
    send(state, { type: "AppResp", to });
  } else if (type === "PreVote") {
    send(state, { type: "PreVoteResp", to, term: state.term, reject: true });
  } else if (type === "StorageAppendResp") {
    // Entries written under an older term may have been replaced since; a snapshot stays true.
    if (message.index > 0) {
      state.tell({ kind: "storage-outdated", at: { term: message.logTerm, index: message.index } });
    }
    if (message.snapshot) snapshotApplied(state, message.snapshot);
  } else {
    state.tell({ kind: "message-outdated", type, term });
  }
}

function stepInTerm(state: RaftState, message: Message): void {
  switch (message.type) {
    case "Hup":
      tryCampaign(state, ownCampaign(state));
      return;
    case "StorageAppendResp":
      handleStorageAppended(state, message);
      return;
    case "StorageApplyResp":
      entriesApplied(state, message.entries);
      return;
    case "Vote":
    case "PreVote":
      answerVote(state, message);
      return;
    default:
      stepByRole(state, message);
      return;
  }
}

function handleStorageAppended(state: RaftState, { index, logTerm, snapshot }: Message): void {
  const at = { term: logTerm, index };
  if (index > 0 && !state.log.unstable.stableTo(at)) state.tell({ kind: "storage-outdated", at });
  if (snapshot) snapshotApplied(state, snapshot);
}

function stepByRole(state: RaftState, message: Message): void {
  switch (state.role) {
    case "follower":
      return stepFollower(state, message);
    case "pre-candidate":
    case "candidate":
      return stepCandidate(state, message);
    case "leader":
      return stepLeader(state, message);
  }
}
