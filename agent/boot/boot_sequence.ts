/**
 * Runs the phases of a boot. It owns one timer and the attempt that is under way, and ends by `close`,
 * or stays at ready.
 */

import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import {
  type BootEffect,
  type BootEvent,
  type BootPhase,
  type BootRules,
  type BootState,
  stepBoot,
} from "./boot_machine.ts";

/** The work of one phase; it rejects with the reason why it is not done. Repeatable (BTS-2). */
export type PhaseWork = (signal: AbortSignal) => Promise<void>;

/** What happened, for log and record (BTS-5). */
export type BootNews = Extract<BootEffect, { kind: "phaseCompleted" | "phaseFailed" | "ready" }>;

/** What a boot is made of. */
export interface BootOptions {
  readonly rules: BootRules;
  readonly work: Readonly<Record<BootPhase, PhaseWork>>;
  readonly clock: Clock;
  readonly onNews: (news: BootNews) => void;
}

/** A boot. */
export class BootSequence {
  #state: BootState = { kind: "notStarted" };
  #timer: TimerHandle | undefined;
  readonly #stop = new AbortController();
  readonly #ready = Promise.withResolvers<void>();

  constructor(private readonly options: BootOptions) {}

  get state(): BootState {
    return this.#state;
  }

  /** Resolves once the node is ready; never, when that does not happen. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  start(): void {
    this.#take({ kind: "start" });
  }

  /** Tries a failed phase at once: what it lacked may be there now. Otherwise without effect. */
  retry(): void {
    this.#take({ kind: "retry" });
  }

  close(): void {
    this.#stop.abort(new Error("the agent is stopping"));
    this.#clearTimer();
  }

  #take(event: BootEvent): void {
    if (this.#stop.signal.aborted) return;
    const { rules, clock } = this.options;
    const { state, effects } = stepBoot(rules, this.#state, event, clock.monotonicMs());
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: BootEffect): void {
    switch (effect.kind) {
      case "run":
        this.#clearTimer();
        return this.#run(effect.phase, effect.attempt);
      case "wakeAt":
        return this.#wakeAt(effect.atMs);
      case "ready":
        this.options.onNews(effect);
        return this.#ready.resolve();
      default:
        return this.options.onNews(effect);
    }
  }

  #run(phase: BootPhase, attempt: number): void {
    // Never in the same turn: a phase that is done at once must not begin the next inside of this one.
    Promise.resolve().then(() => this.options.work[phase](this.#stop.signal)).then(
      () => this.#take({ kind: "completed", phase, attempt }),
      (error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        this.#take({ kind: "failed", phase, attempt, reason });
      },
    );
  }

  #wakeAt(atMs: number): void {
    const { clock } = this.options;
    this.#clearTimer();
    this.#timer = clock.setTimer(atMs - clock.monotonicMs(), () => {
      this.#timer = undefined;
      // A timer may be ahead of the clock by a little, and an early call would be the last one.
      if (clock.monotonicMs() < atMs) this.#wakeAt(atMs);
      else this.#take({ kind: "due" });
    });
  }

  #clearTimer(): void {
    if (this.#timer !== undefined) this.options.clock.clearTimer(this.#timer);
    this.#timer = undefined;
  }
}
