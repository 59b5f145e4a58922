import { type Entry, payloadBytesOf, placed } from "./entry.ts";
import { send } from "./outbox.ts";
import type { RaftState } from "./raft_state.ts";

/**
 * Adds entries to the leader's own log. They count for the quorum only when the acknowledgement
 * comes back from storage.
 *
 * @returns false when that would leave too many bytes uncommitted
 */
export function appendAsLeader(state: RaftState, entries: readonly Entry[]): boolean {
  if (!reserveUncommitted(state, payloadBytesOf(entries))) return false;
  const first = state.log.lastIndex + 1;
  state.log.append(entries.map((entry, at) => placed(entry, state.term, first + at)));
  send(state, { type: "AppResp", to: state.id, index: state.log.lastIndex });
  return true;
}

/** One proposal goes through however big; empty ones always do, or an election could not end. */
function reserveUncommitted(state: RaftState, bytes: number): boolean {
  const total = state.uncommittedBytes + bytes;
  const isOver = total > state.settings.maxUncommittedBytes;
  if (state.uncommittedBytes > 0 && bytes > 0 && isOver) return false;
  state.uncommittedBytes = total;
  return true;
}

/** Entries are applied. A new leader may see more applied than it has appended itself. */
export function releaseUncommitted(state: RaftState, bytes: number): void {
  state.uncommittedBytes = Math.max(0, state.uncommittedBytes - bytes);
}
