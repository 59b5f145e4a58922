import type { Entry } from "./entry.ts";
import { type Message, message } from "./messages.ts";
import type { RaftState } from "./raft_state.ts";
import type { Snapshot } from "./snapshot.ts";
import { EMPTY_HARD_STATE } from "./storage.ts";
import type { Ready } from "./ready.ts";

/** Work for the append thread; undefined when there is none and no answer waits for any. */
export function storageAppend(
  state: RaftState,
  ready: Pick<Ready, "entries" | "hardState" | "snapshot">,
): Message | undefined {
  const { entries, hardState, snapshot } = ready;
  const { term, vote, commit } = hardState ?? EMPTY_HARD_STATE;
  const acknowledgement = storageAppended(state, snapshot);
  const hasWork = entries.length > 0 || hardState !== undefined || snapshot !== undefined;
  if (!hasWork && state.afterAppend.length === 0) return undefined;
  return message({
    type: "StorageAppend",
    from: state.id,
    to: "append-thread",
    term,
    vote,
    commit,
    entries,
    ...snapshot && { snapshot },
    responses: [...state.afterAppend, ...acknowledgement ? [acknowledgement] : []],
  });
}

/**
 * The append thread's word that everything unstable now is durable. It names the last entry of
 * the whole log, also when that is being written by earlier work: an acknowledgement that came to
 * nothing because the term had changed is so made up for by the next one.
 */
export function storageAppended(
  state: RaftState,
  snapshot: Snapshot | undefined,
): Message | undefined {
  const { hasEntries } = state.log.unstable;
  if (!hasEntries && snapshot === undefined) return undefined;
  const last = hasEntries ? state.log.lastEntryId : { term: 0, index: 0 };
  return message({
    type: "StorageAppendResp",
    from: "append-thread",
    to: state.id,
    term: state.term,
    logTerm: last.term,
    index: last.index,
    ...snapshot && { snapshot },
  });
}

/** Work for the apply thread; undefined when there is none. */
export function storageApply(state: RaftState, committed: readonly Entry[]): Message | undefined {
  const response = storageApplied(state, committed);
  if (response === undefined) return undefined;
  return message({
    type: "StorageApply",
    from: state.id,
    to: "apply-thread",
    entries: committed,
    responses: [response],
  });
}

/** The apply thread's word that entries are applied. */
export function storageApplied(
  state: RaftState,
  committed: readonly Entry[],
): Message | undefined {
  if (committed.length === 0) return undefined;
  return message({
    type: "StorageApplyResp",
    from: "apply-thread",
    to: state.id,
    entries: committed,
  });
}
