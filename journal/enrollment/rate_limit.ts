/** Most sources remembered at once (ENR-32). */
const MAX_SOURCES = 10_000;
const WINDOW_MS = 60_000;

/**
 * A sliding window over refused attempts, for all sources together and for each alone (ENR-30). Pure
 * in time: the caller passes the clock.
 */
export class RefusalLimiter {
  readonly #all: number[] = [];
  readonly #bySource = new Map<string, number[]>();
  readonly #perSource: number;

  constructor(private readonly limitPerMinute: number) {
    this.#perSource = Math.max(Math.floor(limitPerMinute / 10), 5);
  }

  /** Counts a refused attempt; false when there were too many already, which are not counted. */
  countRefusal(source: string, nowMs: number): boolean {
    const own = this.#bySource.get(source) ?? [];
    if (recent(this.#all, nowMs) >= this.limitPerMinute) return false;
    if (recent(own, nowMs) >= this.#perSource) return false;
    // Re-inserting keeps the map in order of use, so the first one is the least recently used.
    this.#bySource.delete(source);
    this.#bySource.set(source, own);
    own.push(nowMs);
    this.#all.push(nowMs);
    if (this.#bySource.size > MAX_SOURCES) {
      const oldest = this.#bySource.keys().next();
      if (oldest.done !== true) this.#bySource.delete(oldest.value);
    }
    return true;
  }
}

/** Drops what left the window and counts the rest. */
function recent(times: number[], nowMs: number): number {
  const from = times.findIndex((time) => time > nowMs - WINDOW_MS);
  times.splice(0, from < 0 ? times.length : from);
  return times.length;
}
