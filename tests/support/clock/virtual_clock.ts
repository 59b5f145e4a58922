import type { Clock, TimerHandle } from "../../../common/clock/mod.ts";

interface PendingTimer {
  readonly id: number;
  readonly dueMs: number;
  readonly fire: () => void;
}

/** A clock that stands still until it is advanced; then its timers fire in the order they are due. */
export class VirtualClock implements Clock {
  readonly #startWallMs: number;
  readonly #pending = new Map<number, PendingTimer>();
  #elapsedMs = 0;
  #wallOffsetMs = 0;
  #lastId = 0;

  constructor(startWallMs: number = Date.UTC(2026, 0, 1)) {
    this.#startWallMs = startWallMs;
  }

  nowMs(): number {
    return this.#startWallMs + this.#elapsedMs + this.#wallOffsetMs;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  setTimer(delayMs: number, fire: () => void): TimerHandle {
    const id = ++this.#lastId;
    this.#pending.set(id, { id, dueMs: this.#elapsedMs + Math.max(0, delayMs), fire });
    return { id };
  }

  clearTimer({ id }: TimerHandle): void {
    this.#pending.delete(id);
  }

  /** How many timers wait to fire. */
  get pendingTimers(): number {
    return this.#pending.size;
  }

  /** Milliseconds from now until the next timer fires, or undefined when none waits. */
  get nextTimerInMs(): number | undefined {
    const next = this.#next(Infinity);
    return next === undefined ? undefined : next.dueMs - this.#elapsedMs;
  }

  /** Moves time on by `ms`, firing on the way what becomes due, timers set by timers included. */
  advance(ms: number): void {
    const targetMs = this.#elapsedMs + ms;
    for (let timer = this.#next(targetMs); timer !== undefined; timer = this.#next(targetMs)) {
      this.#pending.delete(timer.id);
      this.#elapsedMs = timer.dueMs;
      timer.fire();
    }
    this.#elapsedMs = targetMs;
  }

  /** As {@link advance}, letting pending promises settle before and after every timer. */
  async advanceAsync(ms: number): Promise<void> {
    const targetMs = this.#elapsedMs + ms;
    await settle();
    for (let timer = this.#next(targetMs); timer !== undefined; timer = this.#next(targetMs)) {
      this.#pending.delete(timer.id);
      this.#elapsedMs = timer.dueMs;
      timer.fire();
      await settle();
    }
    this.#elapsedMs = targetMs;
  }

  /** Moves the wall clock alone, as an administrator or NTP would. */
  jumpWallClock(ms: number): void {
    this.#wallOffsetMs += ms;
  }

  #next(targetMs: number): PendingTimer | undefined {
    let next: PendingTimer | undefined;
    for (const timer of this.#pending.values()) {
      if (timer.dueMs > targetMs) continue;
      if (next === undefined || timer.dueMs < next.dueMs) next = timer;
    }
    return next;
  }
}

/** One turn of the event loop: every promise that can settle without I/O has settled. */
function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
