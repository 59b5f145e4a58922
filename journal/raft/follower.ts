import { tryCampaign } from "./election.ts";
import { RaftError } from "./errors.ts";
import { NO_NODE } from "./ids.ts";
import { isCommitContext, type Message } from "./messages.ts";
import { send } from "./outbox.ts";
import { memberFrom, type RaftState } from "./raft_state.ts";
import { restoreMembership } from "./reconfiguring.ts";
import { noteRead } from "./serving_reads.ts";
import type { Snapshot } from "./snapshot.ts";

/**
 * A follower, or learner, handles a message of its own term.
 *
 * @throws {RaftError} for a proposal that there is no leader for
 */
export function stepFollower(state: RaftState, message: Message): void {
  switch (message.type) {
    case "App":
    case "Heartbeat":
    case "Snap":
      state.electionElapsedTicks = 0;
      state.leader = memberFrom(message);
      handleFromLeader(state, message);
      return;
    case "Prop":
      if (state.leader === NO_NODE || !state.settings.forwardProposals) {
        throw new RaftError("proposal-dropped");
      }
      send(state, { ...message, to: state.leader });
      return;
    case "TransferLeader":
    case "ReadIndex":
      if (state.leader !== NO_NODE) send(state, { ...message, to: state.leader });
      return;
    case "TimeoutNow":
      tryCampaign(state, "transfer");
      return;
    case "ForgetLeader":
      forgetLeader(state);
      return;
    case "ReadIndexResp":
      if (message.entries.length === 1) noteRead(state, message);
      return;
    default:
      return;
  }
}

/** What a leader says to whoever follows it. */
export function handleFromLeader(state: RaftState, message: Message): void {
  switch (message.type) {
    case "App":
      handleAppend(state, message);
      return;
    case "Heartbeat":
      state.log.commitTo(message.commit);
      send(state, { type: "HeartbeatResp", to: message.from, context: message.context });
      return;
    case "Snap":
      handleSnapshot(state, message);
      return;
    default:
      return;
  }
}

function handleAppend(state: RaftState, message: Message): void {
  const { log } = state;
  const { from: to, index, logTerm } = message;
  const isAnswered = !isCommitContext(message.context);
  if (index < log.committed) {
    if (isAnswered) send(state, { type: "AppResp", to, index: log.committed });
    return;
  }
  const previous = { term: logTerm, index };
  const last = log.tryAppend(previous, message.entries, message.commit);
  if (last !== undefined) {
    if (isAnswered) send(state, { type: "AppResp", to, index: last });
    return;
  }
  state.tell({ kind: "append-refused", at: previous, leader: memberFrom(message) });
  // The leader skips everything of its log that, going by this hint, cannot be in ours.
  const hint = log.findConflict({ term: logTerm, index: Math.min(index, log.lastIndex) });
  send(state, {
    type: "AppResp",
    to,
    index,
    reject: true,
    rejectHint: hint.index,
    logTerm: hint.term,
  });
}

function handleSnapshot(state: RaftState, { from: to, snapshot }: Message): void {
  const isRestored = snapshot !== undefined && restore(state, snapshot);
  const index = isRestored ? state.log.lastIndex : state.log.committed;
  if (snapshot && !isRestored) state.tell({ kind: "snapshot-ignored", index: snapshot.index });
  send(state, { type: "AppResp", to, index });
}

/** @returns false when the snapshot has nothing that this member lacks or should have */
function restore(state: RaftState, snapshot: Snapshot): boolean {
  const { log } = state;
  if (snapshot.index <= log.committed) return false;
  const { voters, votersOutgoing, learners } = snapshot.membership;
  if (![...voters, ...votersOutgoing, ...learners].includes(state.id)) return false;
  if (log.has(snapshot)) {
    // The entries are all here: only that they are committed is news.
    log.commitTo(snapshot.index);
    return false;
  }
  log.restore(snapshot);
  restoreMembership(state, snapshot.membership, snapshot.index);
  state.tell({ kind: "snapshot-restored", index: snapshot.index });
  return true;
}

function forgetLeader(state: RaftState): void {
  if (state.settings.readMode === "lease") {
    // The leader reads on the strength of everybody else's memory of it.
    state.tell({ kind: "forget-leader-refused" });
    return;
  }
  if (state.leader === NO_NODE) return;
  state.tell({ kind: "leader-forgotten", leader: state.leader });
  state.leader = NO_NODE;
}
