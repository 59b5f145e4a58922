import { appendAsLeader } from "./appending.ts";
import { EMPTY_CONTENT, type Entry, proposed } from "./entry.ts";
import type { ChangeRefusedReason } from "./events.ts";
import { NO_NODE } from "./ids.ts";
import {
  applyChange,
  type Configuration,
  isJoint,
  type MembershipChange,
  MembershipError,
} from "./membership/mod.ts";
import type { RaftState } from "./raft_state.ts";
import { broadcastAppend } from "./replication.ts";

/** A leader takes proposals into its log and sends them out. @returns false when it refuses */
export function proposeAsLeader(state: RaftState, entries: readonly Entry[]): boolean {
  // A leader that is no member any more could not tell whether its own log counts.
  if (state.tracker.progress(state.id) === undefined) return false;
  if (state.transferTarget !== NO_NODE) return false;
  const first = state.log.lastIndex + 1;
  const admitted = entries.map((entry, at) => admit(state, entry, first + at));
  if (!appendAsLeader(state, admitted)) return false;
  broadcastAppend(state);
  return true;
}

/** Lets a membership change pass only when it cannot meet another one on its way. */
function admit(state: RaftState, entry: Entry, index: number): Entry {
  if (entry.kind !== "membership") return entry;
  const reason = refusalOf(state, entry.change);
  if (reason !== undefined && state.settings.validateMembershipChanges) {
    state.tell({ kind: "change-refused", reason });
    return proposed(EMPTY_CONTENT);
  }
  state.pendingChangeIndex = index;
  return entry;
}

function refusalOf(state: RaftState, change: MembershipChange): ChangeRefusedReason | undefined {
  if (state.pendingChangeIndex > state.log.applied) return "change-pending";
  const { configuration } = state.tracker;
  const isEmpty = change.changes.length === 0;
  if (isJoint(configuration) && !isEmpty) return "joint";
  if (!isJoint(configuration) && isEmpty) return "not-joint";
  // With nothing pending, this is the configuration the change will meet everywhere. One that
  // does not fit, such as the removal of all voters, would stop every member that applies it.
  return fits(configuration, change) ? undefined : "not-applicable";
}

function fits(configuration: Configuration, change: MembershipChange): boolean {
  try {
    applyChange(configuration, change);
    return true;
  } catch (error) {
    if (!(error instanceof MembershipError)) throw error;
    return false;
  }
}
