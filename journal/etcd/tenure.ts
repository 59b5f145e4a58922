/**
 * Who appends to the log, as a pure machine. The leader's key in etcd says it; the key is bound to
 * a lease that its maker renews, so that at most one journal leads. A leader believes in its own
 * lease only as long as etcd certainly does.
 *
 * | state   | event                                   | becomes | effect           |
 * |---------|-----------------------------------------|---------|------------------|
 * | unknown | the key is there                        | led     | changed          |
 * | unknown | the key is not there                    | vacant  |                  |
 * | vacant  | a while has passed, and it may lead     | vacant  | campaign         |
 * | vacant  | the key is there                        | led     | changed          |
 * | led     | another made the key                    | led     | changed          |
 * | led     | the key is gone                         | vacant  | changed          |
 * | led     | etcd is out of sight for too long       | unknown | changed          |
 * | led     | leads itself, a third of the time is up | led     | renew            |
 * | led     | leads itself, its own lease ran out     | unknown | changed          |
 *
 * @module
 */
import type { LeaderKey } from "./store.ts";

/** What is to be done. */
export type TenureEffect =
  | { readonly kind: "campaign" }
  | { readonly kind: "renew"; readonly lease: bigint }
  /** Somebody else leads, or nobody: look at {@link Tenure.leader}. */
  | { readonly kind: "changed" };

/** Who leads. */
export interface Leader {
  readonly id: number;
  readonly createRevision: bigint;
  /** Whether it is this process. */
  readonly isSelf: boolean;
}

/** Nobody but who was asked to takes over within this time, then whoever is first. */
const WAIT_MS = 50;
const SPREAD_MS = 200;
/** How long after a failed attempt the next one is made. */
const RETRY_MS = 500;
/** How long whoever gave leadership away leaves it to others. */
const ABSTAIN_MS = 2_000;
/** How long somebody who was asked to lead is eager to. */
const EAGER_MS = 3_000;

/** How long etcd may be out of sight, longer than a watch may be silent, while a leader is believed in. */
const SIGHT_MS = 6_000;

/** See the table. Times are monotonic milliseconds. */
export class Tenure {
  readonly #ttlMs: number;
  readonly #random: () => number;
  #seenMs: number;
  #key: LeaderKey | undefined;
  #isVacant = false;
  #campaignAtMs = 0;
  #eagerUntilMs = -Infinity;
  /** Of this process's own lease, and until when it is certainly in force. */
  #lease: bigint | undefined;
  #leaseUntilMs = -Infinity;
  #renewAtMs = Infinity;

  constructor(ttlMs: number, random: () => number, nowMs: number) {
    this.#ttlMs = ttlMs;
    this.#random = random;
    this.#seenMs = nowMs;
  }

  get leader(): Leader | undefined {
    if (this.#key === undefined) return undefined;
    const { memberId, createRevision, lease } = this.#key;
    return { id: memberId, createRevision, isSelf: lease === this.#lease };
  }

  /** Whether it is not known if there is a leader. */
  get isBlind(): boolean {
    return this.#key === undefined && !this.#isVacant;
  }

  /** etcd shows the leader's key, or that there is none. */
  seen(key: LeaderKey | undefined, nowMs: number): readonly TenureEffect[] {
    this.#seenMs = nowMs;
    const before = this.#key?.createRevision;
    this.#key = key;
    if (key === undefined) {
      if (!this.#isVacant) this.#schedule(nowMs);
      this.#isVacant = true;
    } else {
      this.#isVacant = false;
      // A lease that is not in force any more proves nothing, whatever the key says.
      if (key.lease === this.#lease && nowMs >= this.#leaseUntilMs) this.#forget();
    }
    return before === this.#key?.createRevision ? [] : [{ kind: "changed" }];
  }

  /** etcd answers, and nothing has changed. */
  inSight(nowMs: number): void {
    this.#seenMs = nowMs;
  }

  /** This process has a lease, asked for or renewed at `sinceMs`. */
  leased(lease: bigint, sinceMs: number): void {
    this.#lease = lease;
    this.#leaseUntilMs = sinceMs + this.#ttlMs;
    this.#renewAtMs = sinceMs + this.#ttlMs / 3;
  }

  /** etcd knows this process's lease no more. */
  leaseGone(nowMs: number): readonly TenureEffect[] {
    this.#leaseUntilMs = -Infinity;
    return this.tick(nowMs, false);
  }

  /** Somebody who leads asks this process to take over. */
  asked(nowMs: number): void {
    this.#eagerUntilMs = nowMs + EAGER_MS;
    this.#campaignAtMs = nowMs;
  }

  /** This process gives leadership away; the lease that is to be revoked, if it has one. */
  resign(nowMs: number): bigint | undefined {
    const lease = this.#lease;
    this.#lease = undefined;
    this.#leaseUntilMs = -Infinity;
    this.#renewAtMs = Infinity;
    this.#eagerUntilMs = -Infinity;
    this.#campaignAtMs = nowMs + ABSTAIN_MS;
    return lease;
  }

  /** Time passes. `mayLead`: whether this process would do as a leader. */
  tick(nowMs: number, mayLead: boolean): readonly TenureEffect[] {
    const { leader } = this;
    if (leader?.isSelf === true) {
      if (nowMs >= this.#leaseUntilMs) return this.#lost();
      if (nowMs < this.#renewAtMs || this.#lease === undefined) return [];
      this.#renewAtMs = nowMs + this.#ttlMs / 6;
      return [{ kind: "renew", lease: this.#lease }];
    }
    if (leader !== undefined) return nowMs - this.#seenMs >= SIGHT_MS ? this.#lost() : [];
    if (!this.#isVacant || !mayLead || nowMs < this.#campaignAtMs) return [];
    this.#campaignAtMs = nowMs + RETRY_MS;
    return [{ kind: "campaign" }];
  }

  #lost(): readonly TenureEffect[] {
    this.#forget();
    return [{ kind: "changed" }];
  }

  #forget(): void {
    this.#key = undefined;
    this.#isVacant = false;
    this.#lease = undefined;
    this.#renewAtMs = Infinity;
  }

  #schedule(nowMs: number): void {
    const waitMs = nowMs < this.#eagerUntilMs ? 0 : WAIT_MS + this.#random() * SPREAD_MS;
    this.#campaignAtMs = Math.max(this.#campaignAtMs, nowMs + waitMs);
  }
}
