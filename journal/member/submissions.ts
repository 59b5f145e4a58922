/**
 * Writes of this member's own clients on their way through the log, as a pure machine (JRN-57,
 * JRN-58, JRN-60). A write is proposed wherever the leader is and proposed again whenever it may
 * have got lost; its request id makes sure that it takes effect once.
 *
 * | state    | event                                   | becomes  | effect               |
 * |----------|-----------------------------------------|----------|----------------------|
 * | -        | submitted, a leader is known            | proposed | propose              |
 * | -        | submitted, no leader is known           | waiting  |                      |
 * | waiting  | a leader is known                       | proposed | propose              |
 * | waiting  | nobody led for `noLeaderMs`             | gone     | fail: no leader      |
 * | proposed | another leader, or another term         | proposed | propose              |
 * | proposed | nobody leads any more                   | waiting  |                      |
 * | proposed | messages to a remote leader were lost   | proposed | propose              |
 * | proposed | a remote leader is silent for `retryMs` | proposed | propose              |
 * | proposed | not applied after `commitMs`            | gone     | fail: no quorum      |
 * | any      | applied, or given up by its caller      | gone     |                      |
 *
 * @module
 */
import { ChurningMap } from "../../common/collections/mod.ts";
import { NO_NODE, type NodeId } from "../raft/mod.ts";

/** Bounds and patience. */
export interface SubmissionLimits {
  readonly maxCount: number;
  readonly maxBytes: number;
  /** How long a write waits for somebody to lead. */
  readonly noLeaderMs: number;
  /** How long a write may take once it is proposed. */
  readonly commitMs: number;
  /** After which silence of a remote leader a write is proposed again. */
  readonly retryMs: number;
}

export const SUBMISSION_LIMITS: SubmissionLimits = {
  maxCount: 16_384,
  maxBytes: 128 * 1024 * 1024,
  noLeaderMs: 5_000,
  commitMs: 20_000,
  retryMs: 2_000,
};

/** What is to be done, in order. */
export type SubmissionEffect =
  | { readonly kind: "propose"; readonly payloads: readonly Uint8Array[] }
  | { readonly kind: "fail"; readonly id: string; readonly reason: "no-leader" | "no-quorum" };

interface Submission {
  readonly payload: Uint8Array;
  readonly submittedMs: number;
  /** Undefined while it waits for a leader. */
  proposedMs: number | undefined;
}

/** The leader as a submission cares for it: a new term is a new leader. */
interface KnownLeader {
  readonly id: NodeId;
  readonly term: number;
  readonly isSelf: boolean;
}

/** The writes under way, oldest first. */
export class Submissions {
  readonly #limits: SubmissionLimits;
  readonly #waiting = new ChurningMap<string, Submission>();
  #bytes = 0;
  #leader: KnownLeader | undefined;
  #leaderlessSinceMs: number;

  constructor(nowMs: number, limits: SubmissionLimits = SUBMISSION_LIMITS) {
    this.#limits = limits;
    this.#leaderlessSinceMs = nowMs;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** Whether another write of this size may come in. */
  hasRoomFor(bytes: number): boolean {
    const { maxCount, maxBytes } = this.#limits;
    return this.#waiting.size < maxCount && (this.#bytes === 0 || this.#bytes + bytes <= maxBytes);
  }

  /** A write comes in, under an id that no other one under way has. */
  submit(id: string, payload: Uint8Array, nowMs: number): readonly SubmissionEffect[] {
    const proposedMs = this.#leader === undefined ? undefined : nowMs;
    this.#waiting.set(id, { payload, submittedMs: nowMs, proposedMs });
    this.#bytes += payload.byteLength;
    return proposedMs === undefined ? [] : [{ kind: "propose", payloads: [payload] }];
  }

  /** The write is applied, or its caller gave up. */
  forget(id: string): void {
    const submission = this.#waiting.delete(id);
    if (submission !== undefined) this.#bytes -= submission.payload.byteLength;
  }

  /** Who leads, as this member sees it now; NO_NODE for nobody. */
  leaderIs(
    leader: NodeId,
    term: number,
    isSelf: boolean,
    nowMs: number,
  ): readonly SubmissionEffect[] {
    const known = this.#leader;
    if (leader === NO_NODE) {
      if (known !== undefined) this.#leaderlessSinceMs = nowMs;
      this.#leader = undefined;
      for (const submission of this.#waiting.values()) submission.proposedMs = undefined;
      return [];
    }
    if (known?.id === leader && known.term === term) return [];
    this.#leader = { id: leader, term, isSelf };
    return this.#propose(() => true, nowMs);
  }

  /** What was sent to the leader lately did not get there. */
  lost(nowMs: number): readonly SubmissionEffect[] {
    const isRemote = this.#leader !== undefined && !this.#leader.isSelf;
    return isRemote ? this.#propose(() => true, nowMs) : [];
  }

  /** Time passes; to be called a few times a second while there are writes under way. */
  tick(nowMs: number): readonly SubmissionEffect[] {
    const { noLeaderMs, commitMs, retryMs } = this.#limits;
    const effects: SubmissionEffect[] = [];
    for (const [id, { submittedMs, proposedMs }] of [...this.#waiting]) {
      const hasNoLeader = proposedMs === undefined &&
        nowMs - Math.max(submittedMs, this.#leaderlessSinceMs) >= noLeaderMs;
      if (!hasNoLeader && nowMs - submittedMs < commitMs) continue;
      this.forget(id);
      effects.push({ kind: "fail", id, reason: hasNoLeader ? "no-leader" : "no-quorum" });
    }
    // A leader's own log holds what it proposed; only what had to travel may be lost on the way.
    if (this.#leader === undefined || this.#leader.isSelf) return effects;
    const isSilent = ({ proposedMs }: Submission) =>
      proposedMs !== undefined && nowMs - proposedMs >= retryMs;
    return [...effects, ...this.#propose(isSilent, nowMs)];
  }

  #propose(isDue: (submission: Submission) => boolean, nowMs: number): readonly SubmissionEffect[] {
    const payloads: Uint8Array[] = [];
    for (const submission of this.#waiting.values()) {
      if (!isDue(submission)) continue;
      submission.proposedMs = nowMs;
      payloads.push(submission.payload);
    }
    return payloads.length === 0 ? [] : [{ kind: "propose", payloads }];
  }
}
