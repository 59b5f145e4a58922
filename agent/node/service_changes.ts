import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import { SUPERVISION_LOOP, type SupervisorNotice } from "../supervisor/mod.ts";

/** Services that come up at boot wait for each other; with a boot that fails they never do. */
const BOOT_LIMIT_MS = 600_000;
/** Part of the settle time after which there is a last look. */
const LAST_LOOK = 0.75;
const MAX_CRASHED = 1_024;

/** What the changes of services work with. */
export interface ServiceChangesOptions {
  readonly clock: Clock;
  readonly settleMs: number;
  /** Called shortly before the end: what services did is to be looked at while it is still theirs. */
  readonly onLast: () => void;
}

/**
 * Knows when services come and go as they shall, so that modules, mounts and addresses which come and go
 * meanwhile are theirs (OBS-9). One that crashes and is started again and again is not excused by it.
 *
 * | event                                      | from then on services are changing for |
 * | ------------------------------------------ | -------------------------------------- |
 * | opened, and not begun                      | 10 min                                 |
 * | begun, declared anew                       | the settle time                        |
 * | a start, a stop, a restart                 | the settle time                        |
 * | the start or restart that follows a crash  | as before                              |
 */
export class ServiceChanges {
  readonly #crashed = new Set<string>();
  #untilMs: number;
  #hasBegun = false;
  #timer: TimerHandle | undefined;

  constructor(private readonly options: ServiceChangesOptions) {
    this.#untilMs = options.clock.monotonicMs() + BOOT_LIMIT_MS;
  }

  /** Services come or go, or did so a moment ago. */
  get areUnderWay(): boolean {
    return this.options.clock.monotonicMs() < this.#untilMs;
  }

  /** The boot has come to services. */
  begun(): void {
    this.#hasBegun = true;
    this.#untilMs = 0;
    this.#extend();
  }

  /** Another set of services may have been declared. */
  declared(): void {
    if (this.#hasBegun) this.#extend();
  }

  close(): void {
    if (this.#timer !== undefined) this.options.clock.clearTimer(this.#timer);
    this.#timer = undefined;
  }

  note(notice: SupervisorNotice): void {
    if (notice.kind !== "report") return;
    const { name, action, by } = notice;
    if (action === "crash" && this.#crashed.size < MAX_CRASHED) this.#crashed.add(name);
    if (action !== "start" && action !== "stop" && action !== "restart") return;
    const isAsked = by.identity !== SUPERVISION_LOOP.identity;
    const isAfterCrash = this.#crashed.has(name);
    if (action === "start" || isAsked) this.#crashed.delete(name);
    if (isAsked || !isAfterCrash) this.#extend();
  }

  #extend(): void {
    const { clock, settleMs, onLast } = this.options;
    this.#untilMs = Math.max(this.#untilMs, clock.monotonicMs() + settleMs);
    if (!this.#hasBegun) return;
    this.close();
    this.#timer = clock.setTimer(settleMs * LAST_LOOK, () => {
      this.#timer = undefined;
      onLast();
    });
  }
}
