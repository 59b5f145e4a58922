import { handleAppendAccepted, handleAppendRefused } from "./leader_answers.ts";
import { RaftError } from "./errors.ts";
import { NO_NODE } from "./ids.ts";
import type { Message } from "./messages.ts";
import { send } from "./outbox.ts";
import type { Progress } from "./progress/mod.ts";
import { proposeAsLeader } from "./proposals.ts";
import { memberFrom, type RaftState } from "./raft_state.ts";
import { broadcastHeartbeat, sendAppend } from "./replication.ts";
import { abortTransfer, becomeFollower } from "./roles.ts";
import { confirmReads, requestRead } from "./serving_reads.ts";

/**
 * A leader handles a message of its own term.
 *
 * @throws {RaftError} for a proposal or read that it cannot take
 */
export function stepLeader(state: RaftState, message: Message): void {
  switch (message.type) {
    case "Beat":
      broadcastHeartbeat(state);
      return;
    case "CheckQuorum":
      checkQuorum(state);
      return;
    case "Prop":
      if (!proposeAsLeader(state, message.entries)) throw new RaftError("proposal-dropped");
      return;
    case "ReadIndex":
      requestRead(state, message);
      return;
    case "AppResp":
    case "HeartbeatResp":
    case "SnapStatus":
    case "Unreachable":
    case "TransferLeader": {
      // Who is no member has nothing to say here.
      const progress = state.tracker.progress(memberFrom(message));
      if (progress !== undefined) stepAboutMember(state, message, progress);
      return;
    }
    default:
      return;
  }
}

function stepAboutMember(state: RaftState, message: Message, progress: Progress): void {
  const from = memberFrom(message);
  switch (message.type) {
    case "AppResp":
      progress.isRecentlyActive = true;
      if (message.reject) handleAppendRefused(state, message, progress);
      else handleAppendAccepted(state, message, progress);
      return;
    case "HeartbeatResp":
      progress.isRecentlyActive = true;
      progress.resume();
      // An answer shows that the way is open again, though an append on it may have been lost.
      if (progress.match < state.log.lastIndex || progress.state === "probe") {
        sendAppend(state, from);
      }
      confirmReads(state, message);
      return;
    case "SnapStatus":
      if (progress.state !== "snapshot") return;
      if (message.reject) progress.forgetSnapshot();
      progress.becomeProbe();
      // After success an AppResp follows; after failure, wait before the next attempt.
      progress.pause();
      return;
    case "Unreachable":
      // What was streamed lately is probably lost.
      if (progress.state === "replicate") progress.becomeProbe();
      return;
    case "TransferLeader":
      if (!progress.isLearner) startTransfer(state, from, progress);
      return;
    default:
      return;
  }
}

/** Steps down unless a quorum was heard of since the last check. */
export function checkQuorum(state: RaftState): void {
  if (!state.tracker.isQuorumActive()) {
    state.tell({ kind: "quorum-lost" });
    becomeFollower(state, state.term, NO_NODE);
  }
  for (const [id, progress] of state.tracker.members()) {
    if (id !== state.id) progress.isRecentlyActive = false;
  }
}

function startTransfer(state: RaftState, target: number, progress: Progress): void {
  if (state.transferTarget === target) return;
  abortTransfer(state);
  if (target === state.id) return;
  // It has one election timeout from now on to take over.
  state.electionElapsedTicks = 0;
  state.transferTarget = target;
  state.tell({ kind: "transfer-started", target });
  if (progress.match === state.log.lastIndex) send(state, { type: "TimeoutNow", to: target });
  else sendAppend(state, target);
}
