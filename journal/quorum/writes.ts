import type { Clock } from "../../common/clock/mod.ts";
import { ChurningMap } from "../../common/collections/mod.ts";
import type { PactError } from "../../common/errors/mod.ts";
import { type SubmissionEffect, Submissions } from "../member/mod.ts";
import { NO_NODE, type NodeId } from "../raft/mod.ts";

/** One batch holds no more, unless its first payload alone does: what one append carries. */
const BATCH_MAX_COUNT = 300;
const BATCH_MAX_BYTES = 4 * 1024 * 1024;

/** What the writes of this member's clients need of the member. */
export interface WritesSite {
  readonly clock: Clock;
  /** Puts payloads into the log, here or at the leader; false when nobody takes them now. */
  readonly propose: (payloads: readonly Uint8Array[]) => boolean;
  /** Whether a batch may go out while `waiting` payloads do and `ownUnderWay` have gone already. */
  readonly isReady: (waiting: number, ownUnderWay: number) => boolean;
  readonly hasLeader: () => boolean;
  /** What to tell the caller of a write that failed. */
  readonly failure: (reason: "no-leader" | "no-quorum") => PactError;
}

/** The callers behind {@link Submissions}, and the batch that goes out at the end of each turn. */
export class Writes {
  readonly #site: WritesSite;
  readonly #submissions: Submissions;
  readonly #onFailed = new ChurningMap<string, (error: PactError) => void>();
  #outbox: Uint8Array[] = [];
  /** How many in the outbox are other members'. */
  #foreign = 0;
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
    this.flushSoon();
  }

  /** Takes payloads of other members along, which they sent here because this one leads. */
  takeAlong(payloads: readonly Uint8Array[]): void {
    for (const payload of payloads) this.#outbox.push(payload);
    this.#foreign += payloads.length;
    this.flushSoon();
  }

  leaderIs(leader: NodeId, term: number, isSelf: boolean): void {
    const effects = this.#submissions.leaderIs(leader, term, isSelf, this.#nowMs());
    // What is proposed anew, or waits for a leader, need not go out from here as well.
    if (leader === NO_NODE || effects.length > 0) this.#clear();
    this.#perform(effects);
  }

  /** Messages to the leader were lost. */
  lost(): void {
    this.#perform(this.#submissions.lost(this.#nowMs()));
  }

  tick(): void {
    this.#perform(this.#submissions.tick(this.#nowMs()));
    // Whatever held a batch back has had its time.
    this.#flush();
  }

  failAll(error: PactError): void {
    for (const [id, onFailed] of [...this.#onFailed]) {
      this.forget(id);
      onFailed(error);
    }
  }

  /** Sends a batch after what is already due has run, so that one takes all of it. */
  flushSoon(): void {
    if (this.#isFlushDue || !this.#isReady()) return;
    this.#isFlushDue = true;
    setImmediate(() => {
      this.#isFlushDue = false;
      if (this.#isReady()) this.#flush();
    });
  }

  /** Sends a batch at once if one may go; false when none did. */
  flushNow(): boolean {
    return this.#isReady() && this.#flush();
  }

  #isReady(): boolean {
    const waiting = this.#outbox.length;
    const own = Math.max(0, this.#submissions.size - (waiting - this.#foreign));
    return waiting > 0 && this.#site.isReady(waiting, own);
  }

  /** False when nobody took anything. */
  #flush(): boolean {
    const payloads = this.#takeBatch();
    if (payloads.length === 0) return false;
    if (this.#site.propose(payloads)) {
      this.flushSoon();
      return true;
    }
    // Nobody takes them now: the next tick tries again, unless their time is over by then.
    if (this.#site.hasLeader()) this.#outbox = [...payloads, ...this.#outbox];
    return false;
  }

  #takeBatch(): Uint8Array[] {
    let bytes = 0;
    let count = 0;
    for (const payload of this.#outbox) {
      bytes += payload.byteLength;
      if (count > 0 && (count === BATCH_MAX_COUNT || bytes > BATCH_MAX_BYTES)) break;
      count++;
    }
    this.#foreign = Math.max(0, this.#foreign - count);
    return this.#outbox.splice(0, count);
  }

  #clear(): void {
    this.#outbox = [];
    this.#foreign = 0;
  }

  #perform(effects: readonly SubmissionEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === "propose") {
        for (const payload of effect.payloads) this.#outbox.push(payload);
        this.flushSoon();
        continue;
      }
      const onFailed = this.#onFailed.delete(effect.id);
      onFailed?.(this.#site.failure(effect.reason));
    }
  }

  #nowMs(): number {
    return this.#site.clock.monotonicMs();
  }
}
