/**
 * Owns the schedule of overlay rebuilds and its timer. Ends with `stop`, which waits for builds
 * under way.
 *
 * @module
 */
import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Entry } from "../../common/model/mod.ts";
import {
  affectedVCluster,
  afterEvent,
  nextDueMs,
  NO_REBUILDS,
  type OverlayBuilder,
  type RebuildEvent,
  type RebuildSchedule,
  takeDue,
} from "../overlay/mod.ts";

/** Rebuilds overlays after the entries that make them stale (OVL-6, OVL-11). */
export class OverlayUpkeep {
  readonly #clock: Clock;
  readonly #builder: OverlayBuilder;
  readonly #mayBuild: () => boolean;
  readonly #running = new Set<Promise<void>>();
  #schedule: RebuildSchedule = NO_REBUILDS;
  #timer: TimerHandle | undefined;
  #stopped = false;
  #failures = 0;

  /** `mayBuild` says whether this member is the one that proposes overlays. */
  constructor(
    clock: Clock,
    builder: OverlayBuilder,
    mayBuild: () => boolean,
    private readonly onError: (error: unknown) => void,
  ) {
    this.#clock = clock;
    this.#builder = builder;
    this.#mayBuild = mayBuild;
  }

  /** Builds that failed since the start (pact_journal_overlay_build_failures_total). */
  get failures(): number {
    return this.#failures;
  }

  /** Takes note of an applied entry. */
  follow(entry: Entry): void {
    // Whoever begins to lead looks at all overlays once.
    if (!this.#mayBuild()) return;
    const vclusterId = affectedVCluster(entry);
    if (vclusterId !== undefined) this.request(vclusterId);
  }

  /** Asks for a rebuild. */
  request(vclusterId: string): void {
    this.#on({ kind: "changed", vclusterId });
  }

  /** Takes no more work and waits for what is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== undefined) this.#clock.clearTimer(this.#timer);
    await Promise.all(this.#running);
  }

  #on(event: RebuildEvent): void {
    if (this.#stopped) return;
    const before = this.#schedule;
    this.#schedule = afterEvent(before, event, this.#clock.monotonicMs());
    if (this.#schedule === before) return;
    if (this.#timer !== undefined) this.#clock.clearTimer(this.#timer);
    this.#timer = undefined;
    const dueMs = nextDueMs(this.#schedule);
    if (dueMs === undefined) return;
    this.#timer = this.#clock.setTimer(dueMs - this.#clock.monotonicMs(), () => this.#fire());
  }

  #fire(): void {
    this.#timer = undefined;
    const { schedule, due } = takeDue(this.#schedule, this.#clock.monotonicMs());
    this.#schedule = schedule;
    for (const vclusterId of due) {
      const build = this.#build(vclusterId).finally(() => this.#running.delete(build));
      this.#running.add(build);
    }
  }

  async #build(vclusterId: string): Promise<void> {
    try {
      if (this.#mayBuild()) await this.#builder.build(vclusterId);
      this.#on({ kind: "built", vclusterId });
    } catch (error) {
      // Retried with backoff; the count and the staleness of the overlay tell of it too (OVL-11).
      this.onError(error);
      this.#failures++;
      this.#on({ kind: "failed", vclusterId });
    }
  }
}
