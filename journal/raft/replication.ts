import { NO_BYTES, payloadBytesOf } from "./entry.ts";
import type { NodeId } from "./ids.ts";
import { COMMIT_CONTEXT } from "./messages.ts";
import { send } from "./outbox.ts";
import type { Progress } from "./progress/mod.ts";
import type { RaftState } from "./raft_state.ts";

/** Sends every other member what it is due, or at least the commit index. */
export function broadcastAppend(state: RaftState): void {
  for (const [id] of state.tracker.members()) if (id !== state.id) sendAppend(state, id);
}

/** Tells every other member what is committed, with the entries it is due if there are any. */
export function broadcastCommit(state: RaftState): void {
  for (const [id] of state.tracker.members()) if (id !== state.id) sendCommit(state, id);
}

/** As `broadcastCommit`, for one member. */
export function sendCommit(state: RaftState, to: NodeId): void {
  trySendAppend(state, to, "commit");
}

/** One append of what a member is due; empty when there is nothing new but the commit index. */
export function sendAppend(state: RaftState, to: NodeId): void {
  trySendAppend(state, to, "answer");
}

/** One append with entries. @returns false when there is nothing to send, or it may not go now */
export function sendEntries(state: RaftState, to: NodeId): boolean {
  return trySendAppend(state, to, "no");
}

/** Whether an append without entries may go, and what for: for its answer, or to tell a commit. */
type EmptyAppend = "no" | "answer" | "commit";

function trySendAppend(state: RaftState, to: NodeId, empty: EmptyAppend): boolean {
  const progress = state.tracker.progress(to);
  if (progress === undefined || progress.isPaused) return false;
  const index = progress.next - 1;
  const logTerm = state.log.term(index);
  if (logTerm === undefined) return sendSnapshot(state, to, progress);
  const { maxAppendBytes, maxAppendEntries } = state.settings;
  const entries = progress.takesEntries
    ? state.log.entriesFrom(progress.next, maxAppendBytes, maxAppendEntries)
    : [];
  if (entries === undefined) return empty !== "no" && sendSnapshot(state, to, progress);
  if (entries.length === 0 && empty === "no") return false;
  const commit = state.log.committed;
  const isQuiet = empty === "commit" && entries.length === 0 && progress.state === "replicate";
  const context = isQuiet && state.settings.quietCommits ? COMMIT_CONTEXT : NO_BYTES;
  send(state, { type: "App", to, index, logTerm, entries, commit, context });
  progress.appendSent(entries.length, payloadBytesOf(entries), commit);
  return true;
}

/** Sends the newest snapshot to a member that is there and lacks what is compacted away. */
function sendSnapshot(state: RaftState, to: NodeId, progress: Progress): boolean {
  if (!progress.isRecentlyActive) return false;
  const snapshot = state.log.snapshot();
  if (snapshot === undefined || snapshot.index === 0) return false;
  progress.becomeSnapshot(snapshot.index);
  send(state, { type: "Snap", to, snapshot });
  state.tell({ kind: "snapshot-sent", peer: to, index: snapshot.index });
  return true;
}

/** Tells every other member who leads, and how far what it surely holds is committed. */
export function broadcastHeartbeat(state: RaftState): void {
  const { context } = state.reads;
  for (const [to, progress] of state.tracker.members()) {
    if (to === state.id) continue;
    const commit = Math.min(progress.match, state.log.committed);
    send(state, { type: "Heartbeat", to, commit, context });
    progress.heartbeatSent(commit);
  }
}

/** Commits what a quorum holds, if it is of this term. @returns whether that moved the commit */
export function commitByQuorum(state: RaftState): boolean {
  return state.log.tryCommit({ term: state.term, index: state.tracker.committed() });
}
