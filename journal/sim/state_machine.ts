import { canonicalJson } from "../../common/json/mod.ts";
import { type Entry, type EntryId, type Membership, NO_NODE } from "../raft/mod.ts";
import { type AppliedRecord, applyRecords } from "../replica/mod.ts";
import { memberAddresses } from "../state/mod.ts";
import { MemoryState } from "./memory_state.ts";

/** What a client may ask of a member's state. */
export type Question =
  | { readonly kind: "next-sequence" }
  | { readonly kind: "entry"; readonly sequence: number }
  /** What was last reported for a node. */
  | { readonly kind: "report"; readonly node: string };

/** The answer as text; undefined where there is nothing. */
export type Answer = string | number | undefined;

/** Applies log entries to a state, by the function that every real member applies them by. */
export class StateMachine {
  #state: MemoryState;

  constructor(state: MemoryState) {
    this.#state = state;
  }

  get state(): MemoryState {
    return this.#state;
  }

  get applied(): EntryId {
    const { index, term } = this.#state.applied;
    return { index: Number(index), term: Number(term) };
  }

  /** A snapshot takes the place of the state. */
  replace(state: MemoryState): void {
    this.#state = state;
  }

  /**
   * The next entry of the log; for a membership entry with the membership it leads to.
   *
   * @returns the command in it, if there is one
   */
  apply(entry: Entry, membership: Membership | undefined): AppliedRecord | undefined {
    const [applied] = applyRecords(this.#state, [{
      index: BigInt(entry.index),
      term: BigInt(entry.term),
      payload: entry.kind === "normal" ? entry.data : NO_PAYLOAD,
      ...membership && entry.kind === "membership" &&
        { membership: { membership, context: entry.change.context } },
    }]);
    return applied;
  }

  answer(question: Question): Answer {
    const state = this.#state;
    switch (question.kind) {
      case "next-sequence":
        return state.nextSequence;
      case "entry":
        return state.history.entry(question.sequence)?.request_id;
      case "report": {
        const report = state.get("capabilities", question.node)?.report;
        return report === undefined ? undefined : canonicalJson(report);
      }
    }
  }

  /** Which members the state knows of. */
  membership(): Membership {
    return membershipIn(this.#state);
  }
}

const NO_PAYLOAD = new Uint8Array(0);

/** The membership a state contains; nobody where it contains none. */
export function membershipIn(state: MemoryState): Membership {
  const stored = state.get("quorum", "membership");
  if (stored === undefined || !("voters" in stored)) {
    return { voters: [], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };
  }
  return {
    voters: stored.voters,
    votersOutgoing: stored.voters_outgoing,
    learners: stored.learners,
    learnersNext: stored.learners_next,
    autoLeave: stored.auto_leave,
  };
}

/** With which data directories members take part, as a state has it. */
export function directoriesIn(state: MemoryState): ReadonlyMap<number, string> {
  return new Map(
    [...memberAddresses(state)].flatMap(([id, { directory_id: directory }]) =>
      directory === undefined ? [] : [[id, directory]]
    ),
  );
}

/** Everybody who has a place in the membership. */
export function everyoneIn(membership: Membership): number[] {
  const { voters, votersOutgoing, learners, learnersNext } = membership;
  const ids = new Set([...voters, ...votersOutgoing, ...learners, ...learnersNext]);
  ids.delete(NO_NODE);
  return [...ids].sort((a, b) => a - b);
}
