import type { Clock } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";

/** Work for a node without workload, done beside the loop and spread over its ticks (SUP-31). */
export interface Inspection {
  readonly name: string;
  /** At least this long between two of its runs. */
  readonly everyMs: number;
  run(): void | Promise<void>;
}

/** Starts one inspection after the other, the one that is overdue longest first. */
export class InspectionRound {
  readonly #inspections: readonly Inspection[];
  readonly #clock: Clock;
  readonly #log: Logger;
  /** When each may run again. */
  readonly #dueMs = new Map<Inspection, number>();
  #current: Inspection | null = null;

  constructor(inspections: readonly Inspection[], clock: Clock, log: Logger) {
    this.#inspections = inspections;
    this.#clock = clock;
    this.#log = log;
  }

  /** The name of the one that runs; empty when none does. */
  get running(): string {
    return this.#current?.name ?? "";
  }

  /** Starts at most one, and none beside one that has not ended. */
  startNext(): void {
    if (this.#current !== null) return;
    const nowMs = this.#clock.monotonicMs();
    const due = this.#inspections
      .filter((inspection) => (this.#dueMs.get(inspection) ?? 0) <= nowMs)
      .sort((a, b) => (this.#dueMs.get(a) ?? 0) - (this.#dueMs.get(b) ?? 0));
    const [next] = due;
    if (next === undefined) return;
    this.#current = next;
    this.#dueMs.set(next, nowMs + next.everyMs);
    this.#run(next);
  }

  /** A failure is that one inspection's; it has its turn again (AGT-4). */
  async #run(inspection: Inspection): Promise<void> {
    try {
      await inspection.run();
    } catch (error) {
      this.#log.error(`inspection ${inspection.name} failed`, { reason: String(error) });
    } finally {
      this.#current = null;
    }
  }
}
