import { appendAsLeader } from "./appending.ts";
import { EMPTY_CONTENT, proposed, type Term } from "./entry.ts";
import { assertInvariant } from "./errors.ts";
import { NO_NODE, type NodeId } from "./ids.ts";
import type { RaftState, Role } from "./raft_state.ts";
import { PendingReads } from "./reads.ts";

/** @param leader of that term, or NO_NODE while it is not known */
export function becomeFollower(state: RaftState, term: Term, leader: NodeId): void {
  reset(state, term);
  state.leader = leader;
  enter(state, "follower");
}

/** Asks whether an election could be won: term, vote and clocks stay as they are. */
export function becomePreCandidate(state: RaftState): void {
  assertNotLeader(state);
  state.tracker.clearVotes();
  state.leader = NO_NODE;
  enter(state, "pre-candidate");
}

/** Opens the next term and votes for itself. */
export function becomeCandidate(state: RaftState): void {
  assertNotLeader(state);
  reset(state, state.term + 1);
  state.vote = state.id;
  enter(state, "candidate");
}

/** Leads the term it was elected for, and begins it with an empty entry. */
export function becomeLeader(state: RaftState): void {
  assertInvariant(state.role === "candidate", "role", () => `leader from ${state.role}`);
  reset(state, state.term);
  state.leader = state.id;
  enter(state, "leader");
  const own = state.tracker.progress(state.id);
  assertInvariant(own !== undefined, "role", () => "leads a cluster it is no member of");
  own.becomeReplicate();
  own.isRecentlyActive = true;
  // Changes of earlier terms may still wait in the log: be sure to have passed them all.
  state.pendingChangeIndex = state.log.lastIndex;
  const isAppended = appendAsLeader(state, [proposed(EMPTY_CONTENT)]);
  assertInvariant(isAppended, "role", () => "the empty entry of a new leader was refused");
}

/** Gives up handing over leadership. */
export function abortTransfer(state: RaftState): void {
  if (state.transferTarget === NO_NODE) return;
  const target = state.transferTarget;
  state.transferTarget = NO_NODE;
  state.tell({ kind: "transfer-ended", target });
}

function enter(state: RaftState, role: Role): void {
  state.role = role;
  state.tell({ kind: "role-changed", role, term: state.term });
}

function assertNotLeader({ role }: RaftState): void {
  assertInvariant(role !== "leader", "role", () => "a leader does not campaign");
}

/** Forgets everything that belonged to the former role. */
function reset(state: RaftState, term: Term): void {
  if (state.term !== term) {
    assertInvariant(term > state.term, "role", () => `from term ${state.term} back to ${term}`);
    state.term = term;
    state.vote = NO_NODE;
  }
  state.leader = NO_NODE;
  state.electionElapsedTicks = 0;
  state.heartbeatElapsedTicks = 0;
  const { electionTicks, random } = state.settings;
  state.electionTimeoutTicks = electionTicks + random(electionTicks);
  abortTransfer(state);
  state.tracker.reset(state.id, state.log.lastIndex);
  state.pendingChangeIndex = 0;
  state.uncommittedBytes = 0;
  state.reads = new PendingReads();
  state.postponedReads = [];
}
