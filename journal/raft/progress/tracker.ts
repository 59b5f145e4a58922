import type { Index } from "../entry.ts";
import type { NodeId } from "../ids.ts";
import {
  assertConfiguration,
  type Configuration,
  EMPTY_CONFIGURATION,
  memberIds,
  type Reconfiguration,
} from "../membership/mod.ts";
import { jointCommitted, jointVote, type VoteResult } from "../quorum/mod.ts";
import { Inflights } from "./inflights.ts";
import { Progress } from "./progress.ts";

/** Bounds of what is on its way to each member. */
export interface InflightLimits {
  readonly maxCount: number;
  readonly maxBytes: number;
}

/** The members: the configuration, a progress record for each of them, and their votes. */
export class Tracker {
  readonly #limits: InflightLimits;
  #configuration = EMPTY_CONFIGURATION;
  /** In ascending order of ids. */
  #records: ReadonlyMap<NodeId, Progress> = new Map();
  readonly #votes = new Map<NodeId, boolean>();

  constructor(limits: InflightLimits) {
    this.#limits = limits;
  }

  get configuration(): Configuration {
    return this.#configuration;
  }

  progress(id: NodeId): Progress | undefined {
    return this.#records.get(id);
  }

  /** All members, ascending. */
  members(): Iterable<[NodeId, Progress]> {
    return this.#records.entries();
  }

  /** Switches to a configuration; members new in it start after the leader's last entry. */
  adopt({ configuration, fresh }: Reconfiguration, lastIndex: Index): void {
    assertConfiguration(configuration);
    const former = this.#records;
    this.#configuration = configuration;
    this.#records = new Map(
      memberIds(configuration).map((id) => {
        const isLearner = configuration.learners.has(id);
        const kept = fresh.has(id) ? undefined : former.get(id);
        if (kept) kept.isLearner = isLearner;
        return [
          id,
          kept ?? this.#record(0, Math.max(lastIndex, 1), { isLearner, isRecentlyActive: true }),
        ];
      }),
    );
  }

  /** A new term or role: nothing is known of anybody, but all of `self`'s own log of itself. */
  reset(self: NodeId, lastIndex: Index): void {
    this.clearVotes();
    this.#records = new Map([...this.#records].map(([id, { isLearner }]) => [
      id,
      this.#record(id === self ? lastIndex : 0, lastIndex + 1, {
        isLearner,
        isRecentlyActive: false,
      }),
    ]));
  }

  /** The highest index that a quorum of voters holds. */
  committed(): Index {
    return jointCommitted(
      this.#configuration.voters,
      (id) => this.#records.get(id)?.match ?? 0,
    );
  }

  /** Whether the voters heard of lately are a quorum. */
  isQuorumActive(): boolean {
    const isActive = (id: NodeId) => this.#records.get(id)?.isRecentlyActive ?? false;
    return jointVote(this.#configuration.voters, isActive) === "won";
  }

  clearVotes(): void {
    this.#votes.clear();
  }

  /** Notes a vote; the first of each member counts. */
  recordVote(id: NodeId, isGranted: boolean): void {
    if (!this.#votes.has(id)) this.#votes.set(id, isGranted);
  }

  tally(): VoteResult {
    return jointVote(this.#configuration.voters, (id) => this.#votes.get(id));
  }

  #record(
    match: Index,
    next: Index,
    flags: { readonly isLearner: boolean; readonly isRecentlyActive: boolean },
  ): Progress {
    const inflights = new Inflights(this.#limits.maxCount, this.#limits.maxBytes);
    return new Progress({ match, next, ...flags, inflights });
  }
}
