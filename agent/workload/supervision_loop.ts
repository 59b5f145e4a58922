import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { type Inspection, InspectionRound } from "./inspections.ts";
import { firstPace, type LoopIntervals, nextPace, type Pace, type WorkloadState } from "./pace.ts";

/*
 * Shell: owns one timer. A tick beats, looks at the workload, supervises, and on an idle node starts
 * an inspection (SUP-30); nothing in it waits. Ends by `close`.
 */

export interface SupervisionLoopOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly intervals: LoopIntervals;
  /** Pets the watchdog; called first, and only when the tick before came to its end (WDG-5, WDG-6). */
  readonly beat?: () => void;
  readonly workload: () => WorkloadState;
  /** The workload state is another one than at the last tick. */
  readonly onWorkload: (state: WorkloadState) => void;
  /** Looks after exits, timers and results; answers whether there was anything to do. */
  readonly supervise: () => boolean;
  readonly inspections?: readonly Inspection[];
}

/** Twice the interval is late (SUP-34). */
const LATE_FACTOR = 2;
/** A busy machine is told of once in this time, with how often it was late. */
const LATE_NOTICE_MS = 60_000;

export class SupervisionLoop {
  readonly #options: SupervisionLoopOptions;
  readonly #inspections: InspectionRound;
  #pace: Pace;
  #timer: TimerHandle | null = null;
  #dueMs = 0;
  #lastMs: number | null = null;
  #isComplete = true;
  #isEventful = false;
  #lateTicks = 0;
  #lateToldMs = -Infinity;
  /** The step of the last tick that took longest, for people. */
  #slowest = "";

  constructor(options: SupervisionLoopOptions) {
    this.#options = options;
    this.#pace = firstPace(options.intervals);
    const { inspections = [], clock, log } = options;
    this.#inspections = new InspectionRound(inspections, clock, log);
  }

  /** What the last tick found, and how long until the next one. */
  get pace(): Pace {
    return this.#pace;
  }

  /** The first tick comes at once. */
  start(): void {
    this.#options.log.info("supervision loop started");
    this.#schedule(0);
  }

  /** Something happened on the node: the next tick comes within the shortest active interval. */
  noteEvent(): void {
    this.#isEventful = true;
    const { clock, intervals: { activeMs } } = this.#options;
    const waits = this.#timer !== null && this.#dueMs - clock.monotonicMs() > activeMs;
    if (waits) this.#schedule(activeMs);
  }

  close(): void {
    if (this.#timer !== null) this.#options.clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  #schedule(delayMs: number): void {
    this.close();
    const { clock } = this.#options;
    this.#dueMs = clock.monotonicMs() + delayMs;
    this.#timer = clock.setTimer(delayMs, () => this.#tick());
  }

  #tick(): void {
    const { clock, log } = this.#options;
    this.#warnIfLate();
    this.#lastMs = clock.monotonicMs();
    const mayBeat = this.#isComplete;
    this.#isComplete = false;
    try {
      this.#work(mayBeat);
      this.#isComplete = true;
    } catch (error) {
      log.error("supervision tick failed", { reason: String(error) });
    }
    this.#schedule(this.#pace.intervalMs);
  }

  #work(mayBeat: boolean): void {
    const { beat, intervals, onWorkload } = this.#options;
    this.#slowest = "";
    let slowestMs = 0;
    const step = <T>(name: string, run: () => T): T => {
      const startMs = this.#options.clock.monotonicMs();
      const result = run();
      const tookMs = this.#options.clock.monotonicMs() - startMs;
      if (tookMs > slowestMs) {
        slowestMs = tookMs;
        this.#slowest = `${name} ${Math.round(tookMs)} ms`;
      }
      return result;
    };
    if (mayBeat && beat !== undefined) step("beat", beat);
    const workload = step("workload", this.#options.workload);
    const worked = step("supervise", this.#options.supervise);
    const former = this.#pace;
    const isEventful = worked || this.#isEventful;
    this.#isEventful = false;
    this.#pace = nextPace(former, { workload, isEventful }, intervals);
    if (workload !== former.workload) step("workload change", () => onWorkload(workload));
    if (workload === "idle") step("inspection", () => this.#inspections.startNext());
  }

  #warnIfLate(): void {
    if (this.#lastMs === null) return;
    const sinceMs = this.#options.clock.monotonicMs() - this.#lastMs;
    const plannedMs = this.#dueMs - this.#lastMs;
    if (plannedMs <= 0 || sinceMs <= LATE_FACTOR * plannedMs) return;
    this.#lateTicks++;
    if (this.#lastMs + sinceMs - this.#lateToldMs < LATE_NOTICE_MS) return;
    const times = this.#lateTicks;
    this.#lateTicks = 0;
    this.#lateToldMs = this.#lastMs + sinceMs;
    this.#options.log.warn("supervision tick late", {
      times: times === 1 ? undefined : times,
      after_ms: Math.round(sinceMs),
      planned_ms: Math.round(plannedMs),
      slowest_step: this.#slowest === "" ? undefined : this.#slowest,
      inspection: this.#inspections.running === "" ? undefined : this.#inspections.running,
    });
  }
}
