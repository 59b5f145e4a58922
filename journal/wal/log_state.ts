/**
 * What the records of the log amount to, apart from the entries themselves. Pure: the log as it
 * is written and the log as it is recovered go through the same function.
 *
 * @module
 */
import { EMPTY_HARD_STATE, type EntryId, type HardState } from "../raft/mod.ts";
import type { WriteHead } from "./write_record.ts";

/** Where the log stands. */
export interface LogState {
  readonly hardState: HardState;
  /** The entry before the first one kept. */
  readonly start: EntryId;
  /** `start.index` when no entry is kept. */
  readonly lastIndex: number;
}

export const EMPTY_LOG_STATE: LogState = {
  hardState: EMPTY_HARD_STATE,
  start: { index: 0, term: 0 },
  lastIndex: 0,
};

/**
 * The state after a record.
 *
 * @throws {RangeError} when the record contradicts the log: a gap, an entry or a mark before the
 * log's beginning
 */
export function advance(state: LogState, head: WriteHead): LogState {
  const marked = applyMark(state, head);
  const hardState = head.hardState ?? marked.hardState;
  const { entryCount, firstIndex } = head;
  if (entryCount === 0) return { ...marked, hardState };
  const { start, lastIndex } = marked;
  if (firstIndex <= start.index || firstIndex > lastIndex + 1) {
    throw new RangeError(
      `entry ${firstIndex} has no place in a log from ${start.index + 1} to ${lastIndex}`,
    );
  }
  return { hardState, start, lastIndex: firstIndex + entryCount - 1 };
}

function applyMark(state: LogState, { mark }: WriteHead): LogState {
  if (mark.kind === "none" || mark.kind === "seal") return state;
  const { id } = mark;
  const { start, lastIndex } = state;
  if (id.index < start.index || (mark.kind === "compaction" && id.index > lastIndex)) {
    throw new RangeError(
      `${mark.kind} at ${id.index} of a log from ${start.index + 1} to ${lastIndex}`,
    );
  }
  return { ...state, start: id, lastIndex: mark.kind === "restart" ? id.index : lastIndex };
}

/** Whether the record says nothing but how far the log is committed. */
export function movesCommitOnly({ hardState }: LogState, head: WriteHead): boolean {
  return head.mark.kind === "none" && head.entryCount === 0 &&
    head.hardState !== undefined && head.hardState.term === hardState.term &&
    head.hardState.vote === hardState.vote;
}

export function isSameState(one: LogState, other: LogState): boolean {
  return one.lastIndex === other.lastIndex && one.start.index === other.start.index &&
    one.start.term === other.start.term && one.hardState.term === other.hardState.term &&
    one.hardState.vote === other.hardState.vote && one.hardState.commit === other.hardState.commit;
}
