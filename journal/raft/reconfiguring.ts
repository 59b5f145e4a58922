import { RaftInvariantError } from "./errors.ts";
import type { Index } from "./entry.ts";
import { NO_NODE } from "./ids.ts";
import {
  applyChange,
  isVoter,
  type Membership,
  type MembershipChange,
  MembershipError,
  membershipOf,
  type Reconfiguration,
  restoreConfiguration,
} from "./membership/mod.ts";
import type { RaftState } from "./raft_state.ts";
import { broadcastAppend, commitByQuorum, sendEntries } from "./replication.ts";
import { abortTransfer, becomeFollower } from "./roles.ts";

/**
 * The committed membership entry at `index` is applied.
 *
 * @returns the membership from now on
 * @throws {RaftInvariantError} for a change that does not fit: members would disagree
 */
export function applyMembershipChange(
  state: RaftState,
  change: MembershipChange,
  index: Index,
): Membership {
  const { configuration } = state.tracker;
  // A snapshot that came while the entry waited to be applied has brought the change already.
  if (index > state.configurationIndex) {
    state.configurationIndex = index;
    switchTo(state, demand(() => applyChange(configuration, change)));
  }
  return membershipOf(state.tracker.configuration);
}

/** The membership after `index`, of a snapshot or of storage, replaces what was known. */
export function restoreMembership(state: RaftState, membership: Membership, index: Index): void {
  state.configurationIndex = index;
  switchTo(state, demand(() => restoreConfiguration(membership)));
}

function demand(compute: () => Reconfiguration): Reconfiguration {
  try {
    return compute();
  } catch (error) {
    if (!(error instanceof MembershipError)) throw error;
    throw new RaftInvariantError("membership", error.message);
  }
}

function switchTo(state: RaftState, next: Reconfiguration): void {
  state.tracker.adopt(next, state.log.lastIndex);
  const { configuration } = state.tracker;
  state.tell({ kind: "configuration-changed", configuration });
  if (state.role !== "leader") return;
  const own = state.tracker.progress(state.id);
  if (own === undefined || own.isLearner) {
    if (state.settings.stepDownOnRemoval) becomeFollower(state, state.term, NO_NODE);
    return;
  }
  spreadConfiguration(state);
  if (!isVoter(configuration, state.transferTarget)) abortTransfer(state);
}

/** The new quorum may have committed more; new members may lack what nobody else waits for. */
function spreadConfiguration(state: RaftState): void {
  if (state.tracker.configuration.voters.incoming.size === 0) return;
  if (commitByQuorum(state)) {
    broadcastAppend(state);
    return;
  }
  for (const [id] of state.tracker.members()) if (id !== state.id) sendEntries(state, id);
}
