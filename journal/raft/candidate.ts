import { countVote } from "./election.ts";
import { RaftError } from "./errors.ts";
import { handleFromLeader } from "./follower.ts";
import type { Message } from "./messages.ts";
import { memberFrom, type RaftState } from "./raft_state.ts";
import { becomeFollower } from "./roles.ts";

/**
 * A candidate or pre-candidate handles a message of its own term.
 *
 * @throws {RaftError} for proposals: there is no leader to take them
 */
export function stepCandidate(state: RaftState, message: Message): void {
  const ownAnswer = state.role === "pre-candidate" ? "PreVoteResp" : "VoteResp";
  switch (message.type) {
    case "Prop":
      throw new RaftError("proposal-dropped");
    case "App":
    case "Heartbeat":
    case "Snap":
      // Somebody else has won this very term.
      becomeFollower(state, state.term, memberFrom(message));
      handleFromLeader(state, message);
      return;
    case ownAnswer:
      countVote(state, message);
      return;
    default:
      return;
  }
}
