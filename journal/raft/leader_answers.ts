import type { Message } from "./messages.ts";
import { send } from "./outbox.ts";
import type { Progress } from "./progress/mod.ts";
import { memberFrom, type RaftState } from "./raft_state.ts";
import {
  broadcastCommit,
  commitByQuorum,
  sendAppend,
  sendCommit,
  sendEntries,
} from "./replication.ts";
import { servePostponedReads } from "./serving_reads.ts";

/** A member's log, or the leader's own, holds everything up to the index of the answer. */
export function handleAppendAccepted(
  state: RaftState,
  answer: Message,
  progress: Progress,
): void {
  const from = memberFrom(answer);
  const isFound = progress.state === "probe" && progress.match === answer.index;
  if (!progress.acknowledge(answer.index) && !isFound) return;
  resumeReplication(state, progress, answer.index);
  if (commitByQuorum(state)) {
    servePostponedReads(state);
    broadcastCommit(state);
  } else if (from !== state.id && progress.wantsCommit(state.log.committed)) {
    sendCommit(state, from);
  }
  if (from === state.id) return;
  // Ends: each round fills the in-flight window or uses up the log.
  while (sendEntries(state, from));
  if (from === state.transferTarget && progress.match === state.log.lastIndex) {
    send(state, { type: "TimeoutNow", to: from });
  }
}

function resumeReplication(state: RaftState, progress: Progress, index: number): void {
  switch (progress.state) {
    case "probe":
      progress.becomeReplicate();
      return;
    case "snapshot":
      // From any place that meets the leader's log: the snapshot sent need not be the one that
      // brought the member there.
      if (progress.match + 1 < state.log.firstIndex) return;
      progress.becomeProbe();
      progress.becomeReplicate();
      return;
    case "replicate":
      progress.freeInflights(index);
      return;
  }
}

/** A member refused an append: its log ends before, or differs there. */
export function handleAppendRefused(
  state: RaftState,
  answer: Message,
  progress: Progress,
): void {
  const peer = memberFrom(answer);
  const { index, logTerm, rejectHint } = answer;
  // Whatever of our log after the hint is of a later term than the member's there cannot match.
  const hint = logTerm > 0
    ? state.log.findConflict({ term: logTerm, index: rejectHint }).index
    : rejectHint;
  if (!progress.retreat(index, hint)) return;
  if (progress.state === "replicate") progress.becomeProbe();
  state.tell({ kind: "peer-retreated", peer, next: progress.next });
  sendAppend(state, peer);
}
