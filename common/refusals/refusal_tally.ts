/**
 * Counts refused attempts of strangers: the first of its kind is told at once, those that follow it
 * in the next ten seconds together, so that an attacker cannot fill a log (ENR-25). It owns a timer
 * for each source and reason under way and ends with `close`.
 */

import type { Clock, TimerHandle } from "../clock/mod.ts";

const INTERVAL_MS = 10_000;

/** What tells refusals apart. */
export interface CountedRefusal {
  readonly source: string;
  readonly code: string;
}

/** What a tally works with. */
export interface RefusalTallyOptions<Refusal> {
  readonly clock: Clock;
  /** Most sources and reasons told apart at once; the rest share one count. */
  readonly maxKeys: number;
  /** Hears of `count` refusals, of which `refusal` was the first. */
  readonly tell: (refusal: Refusal, count: number) => void;
}

interface Pending {
  count: number;
  readonly timer: TimerHandle;
}

/** See the head of this file. */
export class RefusalTally<Refusal extends CountedRefusal> {
  readonly #pending = new Map<string, Pending>();

  constructor(private readonly options: RefusalTallyOptions<Refusal>) {}

  add(refusal: Refusal): void {
    const { clock, maxKeys, tell } = this.options;
    const own = `${refusal.source}\n${refusal.code}`;
    const key = this.#pending.size < maxKeys || this.#pending.has(own) ? own : "others";
    const pending = this.#pending.get(key);
    if (pending !== undefined) {
      pending.count++;
      return;
    }
    const timer = clock.setTimer(INTERVAL_MS, () => {
      const later = this.#pending.get(key)?.count ?? 0;
      this.#pending.delete(key);
      if (later > 0) tell(refusal, later);
    });
    this.#pending.set(key, { count: 0, timer });
    tell(refusal, 1);
  }

  close(): void {
    for (const { timer } of this.#pending.values()) this.options.clock.clearTimer(timer);
    this.#pending.clear();
  }
}
