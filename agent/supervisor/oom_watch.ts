import type { Clock } from "../../common/clock/mod.ts";
import type { Scope, ScopeMemory } from "../isolation/mod.ts";

/*
 * Shell: owns the watch of one scope's memory.events. Ends by `close`.
 */

/** A kill this recent is what a process ended of (OOM-2). */
const RECENT_MS = 1_000;

/** Knows when the kernel last killed a process of the scope for want of memory. */
export class OomWatch {
  readonly #scope: Scope;
  readonly #clock: Clock;
  readonly #watch: { close(): void };
  #kills: bigint;
  #lastKillMs = -Infinity;

  constructor(scope: Scope, clock: Clock) {
    this.#scope = scope;
    this.#clock = clock;
    this.#kills = scope.oomKills();
    this.#watch = scope.onMemoryEvent(() => this.#look());
  }

  /** The memory of the scope when it was just overrun; null when that is not why it ended. */
  cause(): ScopeMemory | null {
    this.#look();
    const sinceMs = this.#clock.monotonicMs() - this.#lastKillMs;
    return sinceMs <= RECENT_MS ? this.#scope.memory() : null;
  }

  close(): void {
    this.#watch.close();
  }

  #look(): void {
    const kills = this.#scope.oomKills();
    if (kills > this.#kills) this.#lastKillMs = this.#clock.monotonicMs();
    this.#kills = kills;
  }
}
