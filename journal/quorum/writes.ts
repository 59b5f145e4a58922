import type { Clock } from "../../common/clock/mod.ts";
import type { PactError } from "../../common/errors/mod.ts";
import { type SubmissionEffect, Submissions } from "../member/mod.ts";
import { NO_NODE, type NodeId } from "../raft/mod.ts";

/** What the writes of this member's clients need of the member. */
export interface WritesSite {
  readonly clock: Clock;
  /** Puts payloads into the log, here or at the leader; false when nobody takes them now. */
  readonly propose: (payloads: readonly Uint8Array[]) => boolean;
  /** Whether the disk is not too busy for more. */
  readonly isReady: () => boolean;
  readonly hasLeader: () => boolean;
  /** What to tell the caller of a write that failed. */
  readonly failure: (reason: "no-leader" | "no-quorum") => PactError;
}

/** The callers behind {@link Submissions}, and the batch that goes out at the end of each turn. */
export class Writes {
  readonly #site: WritesSite;
  readonly #submissions: Submissions;
  readonly #onFailed = new Map<string, (error: PactError) => void>();
  #outbox: Uint8Array[] = [];
  #isFlushDue = false;

  constructor(site: WritesSite) {
    this.#site = site;
    this.#submissions = new Submissions(site.clock.monotonicMs());
  }

  get size(): number {
    return this.#submissions.size;
  }

  hasRoomFor(bytes: number): boolean {
    return this.#submissions.hasRoomFor(bytes);
  }

  submit(id: string, payload: Uint8Array, onFailed: (error: PactError) => void): void {
    this.#onFailed.set(id, onFailed);
    this.#perform(this.#submissions.submit(id, payload, this.#nowMs()));
  }

  forget(id: string): void {
    this.#submissions.forget(id);
    this.#onFailed.delete(id);
  }

  leaderIs(leader: NodeId, term: number, isSelf: boolean): void {
    const effects = this.#submissions.leaderIs(leader, term, isSelf, this.#nowMs());
    // What is proposed anew, or waits for a leader, need not go out from here as well.
    if (leader === NO_NODE || effects.length > 0) this.#outbox = [];
    this.#perform(effects);
  }

  /** Messages to the leader were lost. */
  lost(): void {
    this.#perform(this.#submissions.lost(this.#nowMs()));
  }

  tick(): void {
    this.#perform(this.#submissions.tick(this.#nowMs()));
    this.flushSoon();
  }

  failAll(error: PactError): void {
    for (const [id, onFailed] of [...this.#onFailed]) {
      this.forget(id);
      onFailed(error);
    }
  }

  /** Sends the batch after what is already due has run, so that one takes all of it. */
  flushSoon(): void {
    if (this.#isFlushDue || this.#outbox.length === 0 || !this.#site.isReady()) return;
    this.#isFlushDue = true;
    setImmediate(() => {
      this.#isFlushDue = false;
      this.#flush();
    });
  }

  #flush(): void {
    const payloads = this.#outbox;
    if (payloads.length === 0) return;
    this.#outbox = [];
    if (this.#site.propose(payloads)) return;
    // Nobody takes them now: the next tick tries again, unless their time is over by then.
    if (this.#site.hasLeader()) this.#outbox = payloads;
  }

  #perform(effects: readonly SubmissionEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === "propose") {
        for (const payload of effect.payloads) this.#outbox.push(payload);
        this.flushSoon();
        continue;
      }
      const onFailed = this.#onFailed.get(effect.id);
      this.#onFailed.delete(effect.id);
      onFailed?.(this.#site.failure(effect.reason));
    }
  }

  #nowMs(): number {
    return this.#site.clock.monotonicMs();
  }
}
