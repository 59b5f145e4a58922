/**
 * How the leader stands with one member: states and events.
 *
 * | state     | sends                         | leaves it for                                     |
 * |-----------|-------------------------------|---------------------------------------------------|
 * | probe     | one message, then waits       | replicate: an append is accepted; snapshot: needs |
 * |           |                               | what is compacted away                            |
 * | replicate | a stream, within the limits   | probe: an append is refused or the member cannot  |
 * |           |                               | be reached; snapshot: as above                    |
 * | snapshot  | nothing                       | probe: the snapshot failed, or arrived by report; |
 * |           |                               | replicate: its log meets the leader's again       |
 *
 * @module
 */
import type { Index } from "../entry.ts";
import { assertInvariant } from "../errors.ts";
import { Inflights } from "./inflights.ts";

export type ProgressState = "probe" | "replicate" | "snapshot";

/** What a status shows of a member. */
export interface ProgressView {
  readonly state: ProgressState;
  /** The member's log is known to agree up to here. */
  readonly match: Index;
  /** The next entry to send. */
  readonly next: Index;
  readonly isLearner: boolean;
  readonly isPaused: boolean;
  readonly isRecentlyActive: boolean;
  /** Index of the snapshot that is on its way; 0 for none. */
  readonly pendingSnapshot: Index;
  readonly inflightCount: number;
  readonly isInflightFull: boolean;
}

export class Progress implements ProgressView {
  isLearner: boolean;
  /** Heard of since the last check of the quorum. */
  isRecentlyActive: boolean;
  readonly #inflights: Inflights;
  #state: ProgressState = "probe";
  #match: Index;
  #next: Index;
  #pendingSnapshot: Index = 0;
  /** Highest commit index that is on its way to the member. */
  #sentCommit: Index = 0;
  #isFlowPaused = false;

  constructor(
    options: {
      readonly match: Index;
      readonly next: Index;
      readonly isLearner: boolean;
      readonly isRecentlyActive: boolean;
      readonly inflights: Inflights;
    },
  ) {
    this.#match = options.match;
    this.#next = options.next;
    this.isLearner = options.isLearner;
    this.isRecentlyActive = options.isRecentlyActive;
    this.#inflights = options.inflights;
  }

  get state(): ProgressState {
    return this.#state;
  }

  get match(): Index {
    return this.#match;
  }

  get next(): Index {
    return this.#next;
  }

  get pendingSnapshot(): Index {
    return this.#pendingSnapshot;
  }

  get inflightCount(): number {
    return this.#inflights.count;
  }

  get isInflightFull(): boolean {
    return this.#inflights.isFull;
  }

  /** No append may be sent now. */
  get isPaused(): boolean {
    return this.#state === "snapshot" || this.#isFlowPaused;
  }

  /** Entries may go with the next append: a stream that is full takes empty ones only. */
  get takesEntries(): boolean {
    return this.#state !== "replicate" || !this.#inflights.isFull;
  }

  becomeProbe(): void {
    const afterSnapshot = this.#state === "snapshot" ? this.#pendingSnapshot + 1 : 0;
    this.#enter("probe", Math.max(this.#match + 1, afterSnapshot));
    this.#limitSentCommit();
  }

  becomeReplicate(): void {
    this.#enter("replicate", this.#match + 1);
  }

  /** A snapshot of the state after `index` is sent. */
  becomeSnapshot(index: Index): void {
    this.#enter("snapshot", index + 1);
    this.#pendingSnapshot = index;
    this.#sentCommit = index;
  }

  /** The snapshot did not arrive, so nothing after it can be sent next. */
  forgetSnapshot(): void {
    this.#pendingSnapshot = 0;
  }

  /** The member may be talked to again. */
  resume(): void {
    this.#isFlowPaused = false;
  }

  /** Wait for a sign of life before the next append. */
  pause(): void {
    this.#isFlowPaused = true;
  }

  /** The member's log agrees up to `index`. @returns whether that is news */
  acknowledge(index: Index): boolean {
    if (index <= this.#match) return false;
    this.#match = index;
    this.#next = Math.max(this.#next, index + 1);
    this.#isFlowPaused = false;
    return true;
  }

  /** Everything up to `index` of what was streamed has arrived. */
  freeInflights(index: Index): void {
    this.#inflights.acknowledge(index);
  }

  /**
   * The member refused an append after `rejected`; at best it agrees up to `hint`.
   *
   * @returns false for an answer to an append that is history already
   */
  retreat(rejected: Index, hint: Index): boolean {
    if (this.#state === "replicate") {
      if (rejected <= this.#match) return false;
      this.#next = this.#match + 1;
    } else {
      if (rejected !== this.#next - 1) return false;
      this.#next = Math.max(Math.min(rejected, hint + 1), this.#match + 1);
      this.#isFlowPaused = false;
    }
    this.#limitSentCommit();
    return true;
  }

  /** An append with `count` entries and `commit` is on its way. */
  appendSent(count: number, bytes: number, commit: Index): void {
    assertInvariant(this.#state !== "snapshot", "progress", () => "append during a snapshot");
    if (this.#state === "probe") {
      if (count > 0) this.#isFlowPaused = true;
    } else {
      if (count > 0) {
        this.#next += count;
        this.#inflights.add(this.#next - 1, bytes);
      }
      this.#isFlowPaused = this.#inflights.isFull;
    }
    this.#sentCommit = commit;
  }

  /** A heartbeat with `commit` is on its way. */
  heartbeatSent(commit: Index): void {
    this.#sentCommit = commit;
  }

  /** Whether an empty append would tell the member of a commit that nothing under way tells. */
  wantsCommit(commit: Index): boolean {
    return commit > this.#sentCommit && this.#sentCommit < this.#next - 1;
  }

  /** How things stand now. */
  view(): ProgressView {
    return {
      state: this.#state,
      match: this.#match,
      next: this.#next,
      isLearner: this.isLearner,
      isPaused: this.isPaused,
      isRecentlyActive: this.isRecentlyActive,
      pendingSnapshot: this.#pendingSnapshot,
      inflightCount: this.inflightCount,
      isInflightFull: this.isInflightFull,
    };
  }

  #enter(state: ProgressState, next: Index): void {
    assertInvariant(
      next > this.#match,
      "progress",
      () => `next ${next} is not after match ${this.#match}`,
    );
    this.#state = state;
    this.#next = next;
    this.#pendingSnapshot = 0;
    this.#isFlowPaused = false;
    this.#inflights.clear();
  }

  #limitSentCommit(): void {
    this.#sentCommit = Math.min(this.#sentCommit, this.#next - 1);
  }
}
