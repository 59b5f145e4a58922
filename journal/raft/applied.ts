import { releaseUncommitted } from "./appending.ts";
import { type Entry, entryBytesOf, type Index, payloadBytesOf, proposed } from "./entry.ts";
import { LEAVE_JOINT } from "./membership/mod.ts";
import { proposeAsLeader } from "./proposals.ts";
import type { RaftState } from "./raft_state.ts";
import type { Snapshot } from "./snapshot.ts";

/** The state machine has applied entries that a Ready handed out. */
export function entriesApplied(state: RaftState, entries: readonly Entry[]): void {
  const last = entries.at(-1);
  if (last === undefined) return;
  appliedTo(state, last.index, entryBytesOf(entries));
  releaseUncommitted(state, payloadBytesOf(entries));
}

/** A received snapshot is durable, and with it the state machine is where the snapshot is. */
export function snapshotApplied(state: RaftState, { index }: Snapshot): void {
  state.log.unstable.stableSnapshotTo(index);
  appliedTo(state, index, 0);
}

function appliedTo(state: RaftState, index: Index, bytes: number): void {
  state.log.appliedTo(Math.max(index, state.log.applied), bytes);
  leaveJointWhenDue(state);
}

/** A leader whose configuration leaves by itself proposes that as soon as nothing is pending. */
function leaveJointWhenDue(state: RaftState): void {
  if (state.role !== "leader" || !state.tracker.configuration.autoLeave) return;
  if (state.log.applied < state.pendingChangeIndex) return;
  const leave = proposed({ kind: "membership", change: LEAVE_JOINT, form: "list" });
  // Refused during a transfer: then the next applied entry, or the next leader, tries again.
  if (proposeAsLeader(state, [leave])) state.tell({ kind: "leaving-joint" });
}
