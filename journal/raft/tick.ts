import { ownCampaign, tryCampaign } from "./election.ts";
import { checkQuorum } from "./leader.ts";
import type { RaftState } from "./raft_state.ts";
import { broadcastHeartbeat } from "./replication.ts";
import { abortTransfer } from "./roles.ts";

/** One unit of time passes. */
export function tick(state: RaftState): void {
  state.electionElapsedTicks++;
  if (state.role === "leader") tickLeader(state);
  else tickOther(state);
}

/** Without a leader for a while, which is drawn anew each time, a member campaigns. */
function tickOther(state: RaftState): void {
  if (!state.isPromotable || state.electionElapsedTicks < state.electionTimeoutTicks) return;
  state.electionElapsedTicks = 0;
  tryCampaign(state, ownCampaign(state));
}

function tickLeader(state: RaftState): void {
  state.heartbeatElapsedTicks++;
  if (state.electionElapsedTicks >= state.settings.electionTicks) {
    state.electionElapsedTicks = 0;
    if (state.settings.checkQuorum) checkQuorum(state);
    // Whoever was to take over did not within an election timeout.
    abortTransfer(state);
  }
  if (!isStillLeader(state)) return;
  if (state.heartbeatElapsedTicks < state.settings.heartbeatTicks) return;
  state.heartbeatElapsedTicks = 0;
  broadcastHeartbeat(state);
}

function isStillLeader({ role }: RaftState): boolean {
  return role === "leader";
}
