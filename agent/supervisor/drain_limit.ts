/**
 * How much of a flood is kept: `bytesPerSecond`, with as much in reserve (LGX-3). Time is given, in
 * milliseconds that never go back.
 */
export class DrainLimit {
  readonly #bytesPerSecond: number;
  #allowance: number;
  #asOfMs: number;

  constructor(bytesPerSecond: number, nowMs: number) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#allowance = bytesPerSecond;
    this.#asOfMs = nowMs;
  }

  /** Whether `bytes` more may be kept; if so they are counted. */
  admit(bytes: number, nowMs: number): boolean {
    if (!this.hasRoom(bytes, nowMs)) return false;
    this.#allowance -= bytes;
    return true;
  }

  /** Whether `bytes` more might be kept; always true for more than a whole second's worth at rest. */
  hasRoom(bytes: number, nowMs: number): boolean {
    const gained = (nowMs - this.#asOfMs) / 1000 * this.#bytesPerSecond;
    this.#allowance = Math.min(this.#bytesPerSecond, this.#allowance + gained);
    this.#asOfMs = nowMs;
    return Math.min(bytes, this.#bytesPerSecond) <= this.#allowance;
  }
}
