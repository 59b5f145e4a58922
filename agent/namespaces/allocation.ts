import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import type { AuditOutcome } from "../../contracts/mod.ts";
import {
  type AllocationEffect,
  type AllocationEvent,
  type AllocationState,
  beginAllocation,
  stepAllocation,
} from "./allocation_machine.ts";
import type { ScopeWatch } from "./scope_watch.ts";
import type { AllocationRecord } from "./table.ts";

/*
 * Shell: one live allocation: performs what its machine says. Owns its timers, the watch of its scope
 * and that of its holder; ends when the machine says forget, or by `release` with the agent.
 */

/** What an allocation needs done for it. */
export interface AllocationDuties {
  readonly clock: Clock;
  readonly log: Logger;
  /** Takes down everything that was made for it. */
  cleanUp(record: AllocationRecord): Promise<void>;
  /** Something changed that a new agent would have to know. */
  changed(): void;
  tellEnded(allocationId: string): void;
  forget(allocationId: string): void;
  audit(action: string, allocationId: string, outcome: AuditOutcome, detail: string): void;
}

/** One allocation whose namespaces exist. */
export class Allocation {
  #state: AllocationState;
  #unused: TimerHandle | undefined;
  #retry: TimerHandle | undefined;
  #watches: { close(): void }[] = [];
  #cleaning: Promise<void> = Promise.resolve();
  #isReleased = false;

  constructor(
    readonly record: AllocationRecord,
    private readonly duties: AllocationDuties,
  ) {
    const { state, effects } = beginAllocation(record.wasUsed);
    this.#state = state;
    this.#perform(effects);
  }

  get id(): string {
    return this.record.request.allocationId;
  }

  get isLive(): boolean {
    return this.#state.name === "Live";
  }

  /** What a new agent has to know now. */
  get recordNow(): AllocationRecord {
    const wasUsed = this.#state.name !== "Gone" && this.#state.wasUsed;
    return { ...this.record, wasUsed };
  }

  /** Begins to watch the scope; one that was used and is empty now is over (NS-22). */
  follow(scope: ScopeWatch): void {
    this.#watches.push(scope);
    scope.start();
    if (!scope.isPopulated) this.on({ type: "scopeEmptied" });
  }

  /** A change of the scope. */
  onScope(isPopulated: boolean): void {
    this.on({ type: isPopulated ? "scopePopulated" : "scopeEmptied" });
  }

  /** Closed with the allocation. */
  keep(watch: { close(): void }): void {
    this.#watches.push(watch);
  }

  on(event: AllocationEvent): void {
    const { state, effects } = stepAllocation(this.#state, event);
    const isChanged = state !== this.#state;
    this.#state = state;
    this.#perform(effects);
    if (isChanged) this.duties.changed();
  }

  /** Resolves when a cleanup that has begun is done. */
  get settled(): Promise<void> {
    return this.#cleaning;
  }

  /** The agent ends; the allocation lives on. */
  release(): void {
    this.#isReleased = true;
    const { clock } = this.duties;
    for (const timer of [this.#unused, this.#retry]) {
      if (timer !== undefined) clock.clearTimer(timer);
    }
    for (const watch of this.#watches) watch.close();
    this.#watches = [];
  }

  #perform(effects: readonly AllocationEffect[]): void {
    for (const effect of effects) this.#performOne(effect);
  }

  #performOne(effect: AllocationEffect): void {
    const { clock, log, audit, tellEnded, forget } = this.duties;
    switch (effect.type) {
      case "startUnusedTimer": {
        const fire = () => this.on({ type: "unusedExpired" });
        this.#unused = clock.setTimer(effect.delayMs, fire);
        return;
      }
      case "cancelUnusedTimer":
        if (this.#unused !== undefined) clock.clearTimer(this.#unused);
        this.#unused = undefined;
        return;
      case "cleanUp":
        this.#cleaning = this.#cleanUp();
        return;
      case "retryCleanup":
        if (this.#isReleased) return;
        this.#retry = clock.setTimer(effect.delayMs, () => {
          this.#cleaning = this.#cleanUp();
        });
        return;
      case "tellEnded":
        return tellEnded(this.id);
      case "forget":
        this.release();
        return forget(this.id);
      case "warn":
        return log.warn("namespaces not cleaned up, trying again", {
          allocation: this.id,
          reason: effect.reason,
        });
      case "audit":
        return audit(
          effect.action,
          this.id,
          effect.isFailure ? "Failure" : "Success",
          effect.detail,
        );
    }
  }

  async #cleanUp(): Promise<void> {
    try {
      await this.duties.cleanUp(this.record);
      this.on({ type: "cleaned" });
    } catch (error) {
      this.on({ type: "cleanupFailed", reason: String(error) });
    }
  }
}
