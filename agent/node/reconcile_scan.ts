import type { agentport } from "../../api/mod.ts";
import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";

export interface ReconcileScanOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly config: Pick<agentport.AgentConfig, "scanIdleSeconds" | "scanActiveSeconds">;
  readonly scan: () => Promise<unknown>;
  /** Workload runs on this node. */
  readonly isActive: () => boolean;
  /** A source of events has gone silent: scans come twice as often. */
  readonly isSilent: () => boolean;
}

const SECOND_MS = 1_000;
const SECOND_WITHOUT_EVENTS_MS = 500;

/** The reconcile scan: complete where event sources are only fast (OBS-7). It owns its timer. */
export class ReconcileScan {
  #timer: TimerHandle;
  #isClosed = false;

  constructor(private readonly options: ReconcileScanOptions) {
    this.#timer = this.#later();
  }

  close(): void {
    this.#isClosed = true;
    this.options.clock.clearTimer(this.#timer);
  }

  #later(): TimerHandle {
    const { clock, config, log, scan, isActive, isSilent } = this.options;
    const seconds = isActive() ? config.scanActiveSeconds : config.scanIdleSeconds;
    const pace = isSilent() ? SECOND_WITHOUT_EVENTS_MS : SECOND_MS;
    return clock.setTimer(seconds * pace, () => {
      scan()
        .catch((error: unknown) => log.error("scan failed", { error: String(error) }))
        .finally(() => {
          if (!this.#isClosed) this.#timer = this.#later();
        });
    });
  }
}
