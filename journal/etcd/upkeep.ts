/**
 * Owns the timer that looks after etcd's database: its size and alarms for `/health`, and at the
 * leader the records that nobody needs any more. Ends with `close`.
 *
 * @module
 */
import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { EtcdClient } from "./etcd_client.ts";
import type { Keys } from "./keys.ts";
import { type Condition, remove, transact } from "./store.ts";

/** What looking after etcd needs. */
export interface UpkeepOptions {
  readonly client: EtcdClient;
  readonly keys: Keys;
  readonly clock: Clock;
  /** Also lets etcd forget the history of all its keys, not only of the journal's. */
  readonly compactsHistory: boolean;
  /** Of the leader's transactions; undefined while another leads. */
  readonly fence: () => Condition | undefined;
  /** Records up to here may go. */
  readonly trimTo: () => number;
}

/** What etcd says of its database. */
export interface EtcdFacts {
  /** Bytes of its file at the member that was asked. */
  readonly bytes: number;
  /** Alarms that are raised. */
  readonly alarms: readonly string[];
}

const INTERVAL_MS = 5_000;
/** History that is kept: what a watch that was interrupted may ask for. */
const HISTORY_MS = 5 * 60_000;

/** See the module. */
export class Upkeep {
  readonly #options: UpkeepOptions;
  readonly #stop = new AbortController();
  #timer: TimerHandle | undefined;
  #running: Promise<void> = Promise.resolve();
  #facts: EtcdFacts | undefined;
  #trimmedTo = 0;
  #firstIndex = 1;
  /** Revision at a time from which on history is to be kept. */
  #mark: { readonly atMs: number; readonly revision: bigint } | undefined;

  constructor(options: UpkeepOptions) {
    this.#options = options;
    this.#arm(0);
  }

  /** Undefined before etcd was first asked. */
  get facts(): EtcdFacts | undefined {
    return this.#facts;
  }

  /** The first record that is still in etcd, as far as is known. */
  get firstIndex(): number {
    return this.#firstIndex;
  }

  async close(): Promise<void> {
    if (this.#timer !== undefined) this.#options.clock.clearTimer(this.#timer);
    this.#stop.abort();
    await this.#running;
  }

  #arm(delayMs: number): void {
    this.#timer = this.#options.clock.setTimer(delayMs, () => {
      this.#running = this.#look().catch(() => {}).finally(() => {
        if (!this.#stop.signal.aborted) this.#arm(INTERVAL_MS);
      });
    });
  }

  async #look(): Promise<void> {
    const { client } = this.#options;
    const { dbSize, errors, header } = await client.look(
      ({ maintenance }, options) => maintenance.status({}, options),
      this.#stop.signal,
    );
    this.#facts = { bytes: Number(dbSize), alarms: errors };
    await this.#findFirst();
    const fence = this.#options.fence();
    if (fence === undefined) {
      this.#mark = undefined;
      return;
    }
    await this.#trim(fence);
    await this.#compact(header?.revision ?? 0n);
  }

  async #findFirst(): Promise<void> {
    const { client, keys } = this.#options;
    const { kvs: [first] } = await client.call(
      ({ kv }, options) => kv.range({ ...keys.log, limit: 1n, keysOnly: true }, options),
      this.#stop.signal,
    );
    if (first !== undefined) this.#firstIndex = keys.indexOf(first.key);
  }

  async #trim(fence: Condition): Promise<void> {
    const { client, keys, trimTo } = this.#options;
    const index = trimTo();
    if (index <= this.#trimmedTo) return;
    const { succeeded } = await transact(client, {
      compare: [fence],
      success: [remove(keys.logUpTo(index)), remove(keys.partsUpTo(keys.lastTrimmed(index)))],
    }, this.#stop.signal);
    if (succeeded) this.#trimmedTo = index;
  }

  /** What was trimmed takes room until etcd forgets that it was there. */
  async #compact(revision: bigint): Promise<void> {
    const { client, clock, compactsHistory } = this.#options;
    if (!compactsHistory) return;
    const nowMs = clock.monotonicMs();
    const mark = this.#mark;
    if (mark !== undefined && nowMs - mark.atMs < HISTORY_MS) return;
    this.#mark = { atMs: nowMs, revision };
    if (mark === undefined || mark.revision === 0n) return;
    await client.call(({ kv }, options) => kv.compact({ revision: mark.revision }, options));
  }
}
