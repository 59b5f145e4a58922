import type { Entry, Index, Term } from "./entry.ts";
import type { NodeId } from "./ids.ts";
import type { Membership } from "./membership/mod.ts";
import type { Snapshot } from "./snapshot.ts";

/** What a member must never forget. */
export interface HardState {
  readonly term: Term;
  /** Whom it voted for in this term; NO_NODE when for nobody. */
  readonly vote: NodeId;
  readonly commit: Index;
}

export const EMPTY_HARD_STATE: HardState = { term: 0, vote: 0, commit: 0 };

export function isEmptyHardState({ term, vote, commit }: HardState): boolean {
  return term === 0 && vote === 0 && commit === 0;
}

/**
 * What is durable, as the core reads it: at once and without waiting. The log on disk begins at
 * `firstIndex`; the term of the entry before that is still known.
 */
export interface LogStorage {
  /** Read once, when the member starts. */
  initialState(): { readonly hardState: HardState; readonly membership: Membership };
  firstIndex(): Index;
  /** `firstIndex() - 1` when there is no entry. */
  lastIndex(): Index;
  /** Undefined outside of `firstIndex() - 1` to `lastIndex()`. */
  term(index: Index): Term | undefined;
  /**
   * Entries from `low` up to but without `high`: the first in any case, further ones while they
   * fit into `maxBytes`. Undefined when `low` has been compacted away.
   */
  entries(low: Index, high: Index, maxBytes: number): readonly Entry[] | undefined;
  /**
   * A snapshot to send to a member that lacks what is compacted away; undefined while there is
   * none to be had. One from before that member was added is of no use to it: it would ignore a
   * snapshot whose membership it is not in.
   */
  snapshot(): Snapshot | undefined;
}
