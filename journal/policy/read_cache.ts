import type { PolicyInput, Verdict } from "../../common/rego/mod.ts";

/** How long a decision about a read may be used again (OPA-8). */
const KEEP_MS = 5_000;
/** Most decisions kept at once; the oldest goes first. */
const MAX_DECISIONS = 10_000;

/** What rules said of reads a moment ago. Only answers are kept, never that there was none. */
export class ReadCache {
  readonly #kept = new Map<string, { readonly verdict: Verdict; readonly atMs: number }>();

  constructor(private readonly monotonicMs: () => number) {}

  get(input: PolicyInput): Verdict | undefined {
    const kept = this.#kept.get(keyOf(input));
    return kept !== undefined && this.monotonicMs() - kept.atMs < KEEP_MS
      ? kept.verdict
      : undefined;
  }

  put(input: PolicyInput, verdict: Verdict): void {
    if (verdict.outcome === "unavailable") return;
    const key = keyOf(input);
    this.#kept.delete(key);
    this.#kept.set(key, { verdict, atMs: this.monotonicMs() });
    if (this.#kept.size <= MAX_DECISIONS) return;
    const oldest = this.#kept.keys().next();
    if (oldest.done !== true) this.#kept.delete(oldest.value);
  }

  /** Forgets everything: what the rules read has changed. */
  clear(): void {
    this.#kept.clear();
  }
}

/** Everything the rules see but the time, which moves on within the seconds a decision is kept. */
function keyOf({ time: _time, ...rest }: PolicyInput): string {
  return JSON.stringify(rest);
}
