import type { Clock } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import type { Actor } from "./actor.ts";
import type { ReportAction } from "./service_state.ts";
import { type ServiceStatus, supervisorStatus } from "./status.ts";
import type { SupervisorState } from "./supervisor_state.ts";

/** What listeners hear: things done, and every change of a published state. */
export type SupervisorNotice =
  | ServiceReport & { readonly kind: "report" }
  | { readonly kind: "changed"; readonly status: ServiceStatus };

/** Something that was done to a service, or happened to it. */
export interface ServiceReport {
  readonly name: string;
  readonly action: ReportAction;
  readonly by: Actor;
  readonly detail: string;
  /** Wall clock. */
  readonly atMs: number;
}

/** Tells listeners what happens, and waiters when it is time to look again. */
export class NoticeFeed {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #listeners = new Set<(notice: SupervisorNotice) => void>();
  readonly #waiting = new Set<() => void>();

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Returns what ends the listening. */
  listen(listener: (notice: SupervisorNotice) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  publish(notice: SupervisorNotice): void {
    for (const listener of this.#listeners) {
      try {
        listener(notice);
      } catch (error) {
        // A listener's mistake must not stop the supervision (AGT-4).
        const reason = error instanceof Error ? error.message : String(error);
        this.#log.error(`listener of services failed: ${reason}`);
      }
    }
  }

  /** Publishes what differs for the outside, and lets waiters look; after every event. */
  announce(before: SupervisorState, after: SupervisorState): void {
    if (before !== after && this.#listeners.size > 0) {
      const nowMs = this.#clock.monotonicMs();
      this.announceStatuses(
        supervisorStatus(before, nowMs).services,
        supervisorStatus(after, nowMs).services,
      );
    } else this.#letWaitersLook();
  }

  /** As {@link announce}, for who knows statuses alone. */
  announceStatuses(before: readonly ServiceStatus[], after: readonly ServiceStatus[]): void {
    const former = new Map(before.map((status) => [status.name, textOf(status)]));
    for (const status of after) {
      if (former.get(status.name) !== textOf(status)) this.publish({ kind: "changed", status });
    }
    this.#letWaitersLook();
  }

  #letWaitersLook(): void {
    for (const look of this.#waiting) look();
  }

  /** Resolves when the condition holds, looked at after every event, or after the limit; rejects with
   * what the condition throws. */
  async until(condition: () => boolean, limitMs: number | null): Promise<void> {
    if (condition()) return;
    const done = Promise.withResolvers<void>();
    const look = () => {
      try {
        if (condition()) done.resolve();
      } catch (error) {
        done.reject(error);
      }
    };
    this.#waiting.add(look);
    const timer = limitMs === null ? null : this.#clock.setTimer(limitMs, () => done.resolve());
    try {
      await done.promise;
    } finally {
      if (timer !== null) this.#clock.clearTimer(timer);
      this.#waiting.delete(look);
    }
  }
}

/** Everything about a service that is worth a notice; its uptime is not. */
function textOf({ state, reason, statusText, pid, health }: ServiceStatus): string {
  return `${state}\n${reason}\n${statusText}\n${pid}\n${health}`;
}
