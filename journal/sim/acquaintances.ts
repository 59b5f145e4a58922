import { Directories } from "../quorum/mod.ts";
import type { Membership, MembershipChange, Message, NodeId } from "../raft/mod.ts";
import type { DiskWork } from "../member/mod.ts";
import type { Machine } from "./machine.ts";
import type { Seams } from "./seams.ts";
import { readEntry, type WalRecovered } from "../wal/mod.ts";
import { directoriesIn, type StateMachine } from "./state_machine.ts";

/** Whom a process takes for whom: what the network of a real member asks of the same book. */
export class Acquaintances {
  readonly #book: Directories;
  readonly #isAsked: boolean;
  readonly #heard = new Map<NodeId, string>();

  constructor(
    { id, directoryId, disk }: Machine,
    { state, applied }: StateMachine,
    { entries }: WalRecovered,
    { tellsDirectoriesApart }: Seams,
  ) {
    this.#isAsked = tellsDirectoriesApart;
    this.#book = new Directories({ self: id, own: directoryId, stored: directoriesIn(state) });
    for (const { index, place } of entries) {
      if (index > applied.index) this.#book.appended([readEntry(disk, place)]);
    }
  }

  /** Whether this process must not take part. */
  get isDisplaced(): boolean {
    return this.#isAsked && this.#book.isDisplaced;
  }

  appended({ entries, snapshot }: DiskWork): void {
    this.#book.appended(entries, snapshot);
  }

  applied({ state, applied }: StateMachine): void {
    this.#book.applied(directoriesIn(state), applied.index);
  }

  /** Whether a message leaves for a peer, which has said what its directory is. */
  sends({ type }: Message, to: NodeId, directoryId: string): boolean {
    if (!this.#isAsked) return true;
    return this.#book.judge(to, directoryId) !== "other" && this.#book.maySend(type);
  }

  /** Whether a message that `peer` has sent is taken; it may have passed on another's. */
  takes({ type }: Message, peer: NodeId, directoryId: string): boolean {
    this.#heard.set(peer, directoryId);
    return !this.#isAsked || this.#book.isTaken(this.#book.judge(peer, directoryId), type);
  }

  /** What a leader puts into the log of those it has heard. */
  toRecord(membership: Membership, nowMs: number): MembershipChange | undefined {
    return this.#book.toRecord(membership, this.#heard, nowMs);
  }
}
