import type { Entry, Index, Membership, NodeId, Term } from "../raft/mod.ts";
import { encodeEntries } from "../wal/mod.ts";
import type { LogTerms } from "./log_terms.ts";
import { Violation } from "./violation.ts";

/** What is known of the entry that stands, in some log, at this place with this term. */
interface SeenEntry {
  readonly entry: Entry;
  /** Of the entry before it: the same in all logs, if they match. */
  readonly termBefore: Term;
}

/**
 * Watches all members at once and notices the moment in which one breaks a promise of Raft. It
 * knows what no member can know, and tells them nothing.
 */
export class Watch {
  /** Term: who led it. */
  readonly #leaders = new Map<Term, NodeId>();
  /** Member and term: whom it voted for. */
  readonly #votes = new Map<string, NodeId>();
  /** Term and index: the entry there. */
  readonly #seen = new Map<string, SeenEntry>();
  /** What was applied anywhere, by index - 1: the one history there may be. */
  readonly #history: Entry[] = [];
  /** In which term, at the latest, the entry at index - 1 was committed. */
  readonly #committedBy: Term[] = [];
  readonly #memberships = new Map<Index, Membership>();

  /** Told of every member that begins to lead. */
  onLeader: (id: NodeId) => void = () => {};

  /** Everything applied anywhere, from index 1. */
  get history(): readonly Entry[] {
    return this.#history;
  }

  /** Index of a membership entry: the membership it leads to. */
  get memberships(): ReadonlyMap<Index, Membership> {
    return this.#memberships;
  }

  /** How many terms had a leader. */
  get leaders(): number {
    return this.#leaders.size;
  }

  /** One leader a term, and it has all that was committed in earlier ones. */
  becameLeader(id: NodeId, term: Term, log: LogTerms): void {
    const other = this.#leaders.get(term);
    if (other !== undefined && other !== id) {
      throw new Violation("election safety", `members ${other} and ${id} lead term ${term}`);
    }
    this.#leaders.set(term, id);
    this.onLeader(id);
    for (const { index, term: entryTerm } of this.#history.slice(log.startIndex)) {
      const isEarlier = (this.#committedBy[index - 1] ?? term) < term;
      if (!isEarlier || log.termAt(index) === entryTerm) continue;
      throw new Violation(
        "leader completeness",
        `member ${id} leads term ${term} without the committed entry ${index} of term ${entryTerm}`,
      );
    }
  }

  /** One vote a term. */
  voted(id: NodeId, term: Term, candidate: NodeId): void {
    const key = `${id}@${term}`;
    const before = this.#votes.get(key);
    if (before !== undefined && before !== candidate) {
      throw new Violation(
        "election safety",
        `member ${id} votes for ${before} and for ${candidate} in term ${term}`,
      );
    }
    this.#votes.set(key, candidate);
  }

  /**
   * Logs that agree on an entry agree on it in full and on all before it: each entry of a log
   * is the only one with its term at its place, behind the only one it may follow.
   */
  wrote(id: NodeId, entries: readonly Entry[], termBefore: Term | undefined): void {
    let before = termBefore;
    for (const entry of entries) {
      const key = `${entry.term}@${entry.index}`;
      const seen = this.#seen.get(key);
      if (before === undefined) {
        throw new Violation("log matching", `member ${id} writes entry ${entry.index} after a gap`);
      }
      if (seen === undefined) this.#seen.set(key, { entry, termBefore: before });
      else if (seen.termBefore !== before || !isSame(seen.entry, entry)) {
        throw new Violation(
          "log matching",
          `member ${id} writes another entry ${entry.index} of term ${entry.term}`,
        );
      }
      before = entry.term;
    }
  }

  /** A member that is in `term` applies an entry: nobody applies anything else at its place. */
  applied(id: NodeId, term: Term, entry: Entry, membership: Membership | undefined): void {
    if (membership !== undefined) this.#memberships.set(entry.index, membership);
    const known = this.#history[entry.index - 1];
    if (known === undefined && entry.index === this.#history.length + 1) {
      this.#history.push(entry);
      this.#committedBy.push(term);
      return;
    }
    if (known !== undefined && known.term === entry.term && isSame(known, entry)) return;
    throw new Violation(
      "state machine safety",
      `member ${id} applies another entry ${entry.index} than was applied before`,
    );
  }
}

function isSame(left: Entry, right: Entry): boolean {
  if (left === right) return true;
  const [one, other] = [encodeEntries([left]), encodeEntries([right])];
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
