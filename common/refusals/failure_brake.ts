import type { Clock } from "../clock/mod.ts";

/** Failed authentications in a minute after which answers come late (AUT-12). */
const FREE_PER_MINUTE = 60;
const WINDOW_MS = 60_000;
const DELAY_MS = 1_000;
/** Most sources remembered at once; the least recently seen one is forgotten. */
const MAX_SOURCES = 10_000;

interface Failures {
  sinceMs: number;
  count: number;
}

/** Slows down whoever fails to authenticate again and again, by source address. */
export class FailureBrake {
  readonly #bySource = new Map<string, Failures>();

  constructor(private readonly clock: Clock) {}

  /** Counts a failure; resolves at once, or after a second for a source that had too many. */
  async failed(source: string): Promise<void> {
    if (this.#count(source) <= FREE_PER_MINUTE) return;
    await new Promise<void>((resolve) => this.clock.setTimer(DELAY_MS, resolve));
  }

  #count(source: string): number {
    const nowMs = this.clock.monotonicMs();
    const known = this.#bySource.get(source);
    const isOver = known === undefined || nowMs - known.sinceMs >= WINDOW_MS;
    const failures = isOver ? { sinceMs: nowMs, count: 0 } : known;
    failures.count++;
    // Re-inserting keeps the map in order of use.
    this.#bySource.delete(source);
    this.#bySource.set(source, failures);
    if (this.#bySource.size > MAX_SOURCES) {
      const oldest = this.#bySource.keys().next();
      if (oldest.done !== true) this.#bySource.delete(oldest.value);
    }
    return failures.count;
  }
}
