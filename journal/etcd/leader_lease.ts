/**
 * Owns this journal's sight of the leader's key and, while it leads, the lease behind the key. Ends
 * with `close`, which gives the lease back so that another takes over at once.
 *
 * @module
 */
import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { EtcdClient } from "./etcd_client.ts";
import type { Keys } from "./keys.ts";
import { type ClusterMark, encodeLeader } from "./pieces.ts";
import { isAbsent, leaderKeyOf, put, readOverview, transact } from "./store.ts";
import { type Leader, Tenure, type TenureEffect } from "./tenure.ts";
import { pause } from "./pause.ts";

/** What holding the lease needs. */
export interface LeaderLeaseOptions {
  readonly client: EtcdClient;
  readonly keys: Keys;
  readonly id: number;
  readonly ttlSeconds: number;
  readonly clock: Clock;
  /** Numbers in [0, 1). */
  readonly random: () => number;
  readonly mayLead: () => boolean;
  /** Which cluster the prefix belongs to; told before anybody is seen to lead. */
  readonly onMark: (mark: ClusterMark) => void;
  readonly onChanged: () => void;
  readonly onCampaign: () => void;
}

const TICK_MS = 100;
const RETRY_MS = 300;
/** How long giving the lease back may take; it ends by itself anyway. */
const REVOKE_LIMIT_MS = 1_500;

/** See the module. */
export class LeaderLease {
  readonly #options: LeaderLeaseOptions;
  readonly #tenure: Tenure;
  readonly #stop = new AbortController();
  readonly #watching: Promise<void>;
  #timer: TimerHandle | undefined;
  #closed: Promise<void> | undefined;
  #isCampaigning = false;
  #isRenewing = false;

  constructor(options: LeaderLeaseOptions) {
    this.#options = options;
    const { ttlSeconds, random } = options;
    this.#tenure = new Tenure(ttlSeconds * 1_000, random, this.#nowMs());
    this.#watching = this.#watch();
    this.#arm();
  }

  /** Who leads; undefined also while this id's former process does. */
  get leader(): Leader | undefined {
    const { leader } = this.#tenure;
    return leader?.id === this.#options.id && !leader.isSelf ? undefined : leader;
  }

  /** Whether etcd, out of sight or without its quorum, does not tell who leads. */
  get isBlind(): boolean {
    return this.#tenure.isBlind;
  }

  /** Somebody asks this journal to take over. */
  asked(): void {
    this.#tenure.asked(this.#nowMs());
  }

  /** Gives leadership away and leaves it to others for a while. */
  async resign(): Promise<void> {
    const lease = this.#tenure.resign(this.#nowMs());
    this.#options.onChanged();
    if (lease !== undefined) await this.#revoke(lease);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    if (this.#timer !== undefined) this.#options.clock.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#stop.abort();
    await this.#watching;
    const lease = this.#tenure.resign(this.#nowMs());
    if (lease !== undefined) await this.#revoke(lease);
  }

  #arm(): void {
    this.#timer = this.#options.clock.setTimer(TICK_MS, () => {
      this.#perform(this.#tenure.tick(this.#nowMs(), this.#options.mayLead()));
      if (!this.#stop.signal.aborted) this.#arm();
    });
  }

  #perform(effects: readonly TenureEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === "changed") this.#options.onChanged();
      else if (effect.kind === "renew") void this.#renew(effect.lease);
      else void this.#campaign();
    }
  }

  /** Looks at the key, then follows its changes; after a failure from the beginning. */
  async #watch(): Promise<void> {
    const { client, keys, clock } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        const { mark, leader, revision } = await readOverview(client, keys, signal);
        if (mark !== undefined) this.#options.onMark(mark);
        this.#perform(this.#tenure.seen(leader, this.#nowMs()));
        await this.#follow(revision + 1n, signal);
      } catch {
        // The client keeps what was wrong; a leader steps down when its lease is over.
        await pause(clock, RETRY_MS, signal);
      }
    }
  }

  async #follow(revision: bigint, signal: AbortSignal): Promise<void> {
    const { client, keys } = this.#options;
    const range = { key: keys.leader, rangeEnd: NO_END };
    for await (const { events } of client.watch(range, revision, signal)) {
      this.#tenure.inSight(this.#nowMs());
      for (const { kv } of events) {
        // A deleted key comes as one that was never changed.
        const key = kv === undefined || kv.version === 0n ? undefined : leaderKeyOf(kv);
        this.#perform(this.#tenure.seen(key, this.#nowMs()));
      }
      if (this.#tenure.isBlind) return;
    }
  }

  async #campaign(): Promise<void> {
    if (this.#isCampaigning) return;
    this.#isCampaigning = true;
    this.#options.onCampaign();
    const { client, keys, id, ttlSeconds } = this.#options;
    const { signal } = this.#stop;
    try {
      const sinceMs = this.#nowMs();
      const { id: lease } = await client.call(
        ({ lease }, options) => lease.leaseGrant({ ttl: BigInt(ttlSeconds) }, options),
        signal,
      );
      this.#tenure.leased(lease, sinceMs);
      // Whether it came first, and even whether it was heard, shows in the key.
      await transact(client, {
        compare: [isAbsent(keys.leader)],
        success: [put(keys.leader, encodeLeader(id), lease)],
      }, signal);
      const { mark, leader } = await readOverview(client, keys, signal);
      if (mark !== undefined) this.#options.onMark(mark);
      this.#perform(this.#tenure.seen(leader, this.#nowMs()));
      if (leader?.lease !== lease) await this.#revoke(lease);
    } catch {
      // The next attempt comes by itself; a lease that nobody renews ends.
    } finally {
      this.#isCampaigning = false;
    }
  }

  async #renew(id: bigint): Promise<void> {
    if (this.#isRenewing) return;
    this.#isRenewing = true;
    const { client } = this.#options;
    const { signal } = this.#stop;
    try {
      const sinceMs = this.#nowMs();
      const ttl = await client.call(async ({ lease }, options) => {
        for await (const answer of lease.leaseKeepAlive(once({ id }), options)) return answer.ttl;
        return 0n;
      }, signal);
      if (ttl > 0n) this.#tenure.leased(id, sinceMs);
      else this.#perform(this.#tenure.leaseGone(this.#nowMs()));
    } catch {
      // Tried again until the lease has run out.
    } finally {
      this.#isRenewing = false;
    }
  }

  async #revoke(id: bigint): Promise<void> {
    const limit = AbortSignal.timeout(REVOKE_LIMIT_MS);
    try {
      await this.#options.client.call(
        ({ lease }, options) => lease.leaseRevoke({ id }, options),
        limit,
      );
    } catch {
      // It ends by itself.
    }
  }

  #nowMs(): number {
    return this.#options.clock.monotonicMs();
  }
}

/** A watch of one key. */
const NO_END = new Uint8Array(0);

async function* once<T>(value: T): AsyncGenerator<T> {
  yield await Promise.resolve(value);
}
