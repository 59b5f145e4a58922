/** How long an identical write counts as the same one (SAF-12). */
const sameWriteMs = 60_000;

/** Most writes remembered; far more than the rate limit lets through in that time. */
const maxRemembered = 256;

interface Remembered {
  readonly id: string;
  readonly untilMs: number;
}

/** Request ids of writes, so that a repeated identical write has one effect (SAF-12). */
export class RequestIds {
  readonly #byWrite = new Map<string, Remembered>();

  constructor(private readonly randomId: () => string) {}

  /** The id for a write, described by its tool and arguments in canonical form. */
  idFor(write: string, nowMs: number): string {
    for (const [key, { untilMs }] of this.#byWrite) {
      if (untilMs <= nowMs || this.#byWrite.size > maxRemembered) this.#byWrite.delete(key);
    }
    const known = this.#byWrite.get(write);
    if (known !== undefined) return known.id;
    const id = this.randomId();
    this.#byWrite.set(write, { id, untilMs: nowMs + sameWriteMs });
    return id;
  }
}
