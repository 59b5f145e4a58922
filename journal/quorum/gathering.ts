import type { Member } from "../member/mod.ts";
import type { Index } from "../raft/mod.ts";

/**
 * Writes are gathered while others are under way, for a batch costs all members the same however
 * many writes it holds; but no more of them than this, so that disks and members work side by side.
 */
const GATHER_MAX = 128;

/** Pieces of disk work under way beyond which writes are gathered in any case. */
const MAX_DISK_WORK = 2;

/** What gathering needs of the member. */
export interface GatheringSite {
  readonly member: Pick<Member<unknown>, "commitIndex">;
  readonly isLeader: () => boolean;
  /** Pieces of disk work under way. */
  readonly diskWork: () => number;
}

/** Decides when the writes that wait go out as a batch. */
export class Gathering {
  readonly #site: GatheringSite;
  /** The last entry that was given to the disk. */
  #lastAppended: Index = 0;
  #isAnswering = false;

  constructor(site: GatheringSite) {
    this.#site = site;
  }

  appended(last: Index): void {
    this.#lastAppended = last;
  }

  /** Whether a batch may go out while `waiting` payloads do and `ownUnderWay` have gone already. */
  isReady(waiting: number, ownUnderWay: number): boolean {
    const { isLeader, diskWork } = this.#site;
    if (diskWork() >= MAX_DISK_WORK) return false;
    if (waiting >= GATHER_MAX) return true;
    if (isLeader()) return this.#lastAppended <= this.#site.member.commitIndex;
    // What a follower has on its disk is answered when it is written: the leader makes no batch before,
    // and the answer takes the writes along. Otherwise they need a message of their own.
    return diskWork() === 0 && (ownUnderWay === 0 || this.#isAnswering);
  }

  /** A follower answers the leader: what `flush` sends goes with that. */
  whileAnswering(flush: () => void): void {
    this.#isAnswering = true;
    try {
      flush();
    } finally {
      this.#isAnswering = false;
    }
  }
}
