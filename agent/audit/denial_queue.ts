/*
 * Denied attempts on their way to the journal: alike ones are counted together, and few leave in a
 * minute, so that a flood here is none there (NAU-1). Pure; the node's own record has every one.
 *
 * | event                        | tokens left               | next                              |
 * |------------------------------|---------------------------|-----------------------------------|
 * | a denial                     | any                       | waits, or is counted with its kind |
 * | a denial of the 51st kind    | any                       | counted among the others          |
 * | take                         | some, and something waits | the oldest kind leaves            |
 * | take                         | none                      | nothing; `waitMs` says how long   |
 */

import type { AuditPrincipal } from "../../contracts/mod.ts";

/** Reports that may leave at once, and how long one more takes to become due. */
export const DENIAL_BURST = 10;
export const DENIAL_REFILL_MS = 6_000;
/** Kinds told apart at once. */
export const MAX_DENIAL_KINDS = 50;

/** Somebody was denied something. */
export interface Denial {
  readonly principal: AuditPrincipal;
  readonly detail: string;
  /** Wall-clock time. */
  readonly atMs: number;
}

/** A denial with how many there were like it; `isMixed` when those were of several kinds. */
export interface DenialReport extends Denial {
  readonly count: number;
  readonly isMixed: boolean;
}

/** See the head of this file. */
export class DenialQueue {
  readonly #waiting = new Map<string, DenialReport>();
  #tokens = DENIAL_BURST;
  #refilledMs: number;

  /** Times but `Denial.atMs` are of a clock that never goes back. */
  constructor(monotonicMs: number) {
    this.#refilledMs = monotonicMs;
  }

  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  add(denial: Denial): void {
    const own = kindOf(denial);
    const isTold = this.#waiting.has(own) || this.#waiting.size < MAX_DENIAL_KINDS;
    const key = isTold ? own : OTHERS;
    const known = this.#waiting.get(key);
    this.#waiting.set(
      key,
      known === undefined
        ? { ...denial, count: 1, isMixed: key === OTHERS }
        : { ...known, count: known.count + 1 },
    );
  }

  /** The report that is due, which leaves the queue. */
  take(monotonicMs: number): DenialReport | undefined {
    this.#refill(monotonicMs);
    const oldest = this.#waiting.entries().next();
    if (oldest.done === true || this.#tokens === 0) return undefined;
    const [key, report] = oldest.value;
    this.#waiting.delete(key);
    this.#tokens--;
    return report;
  }

  /** Until another one may leave; 0 when it may now. */
  waitMs(monotonicMs: number): number {
    this.#refill(monotonicMs);
    return this.#tokens > 0 ? 0 : this.#refilledMs + DENIAL_REFILL_MS - monotonicMs;
  }

  #refill(monotonicMs: number): void {
    const due = Math.floor((monotonicMs - this.#refilledMs) / DENIAL_REFILL_MS);
    if (due <= 0) return;
    this.#tokens = Math.min(DENIAL_BURST, this.#tokens + due);
    this.#refilledMs += due * DENIAL_REFILL_MS;
  }
}

/** No kind of its own: details begin with a method or a name. */
const OTHERS = "\n";

/** Without the count that a detail may end with. */
function kindOf({ principal, detail }: Denial): string {
  return `${principal.identity}\n${detail.replace(/ \([0-9]+ times\)$/, "")}`;
}
