/**
 * Owns one timer and, on the member that leads, looks at the oldest audit records every hour: as
 * many as are past the retention of their vClusters are taken out by a command in the log, so that
 * every member lets go of the same ones (AUD-4). Ends with `close`, which gives up the look under way.
 *
 * @module
 */
import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import { SYSTEM_IDENTITY } from "../../common/model/mod.ts";
import type { Replica } from "../replica/mod.ts";
import {
  type AuditRecord,
  type CommandInput,
  keptUntilMs,
  MAX_PURGED_RECORDS,
  retentionOwner,
} from "../state/mod.ts";

/** How often the leader looks: records stay for days at the least. */
const LOOK_EVERY_MS = 3_600_000;

/** Most commands of one look; the next one goes on. */
const MAX_COMMANDS = 100;

/** What looking after retention takes. */
export interface AuditRetentionOptions {
  readonly replica: Pick<Replica, "state" | "audit" | "submit">;
  /** Whether this member leads as of now. */
  readonly leads: () => boolean;
  readonly clock: Clock;
  /** Told of a proposal that failed; the next look finds the records again. */
  readonly onError: (error: unknown) => void;
}

/** Lets audit records go, for as long as this member leads. */
export class AuditRetention {
  readonly #options: AuditRetentionOptions;
  #timer: TimerHandle | undefined;
  #look: Promise<void> = Promise.resolve();
  readonly #stop = new AbortController();

  constructor(options: AuditRetentionOptions) {
    this.#options = options;
    this.#arm();
  }

  /** Ends the timer and the look under way. */
  async close(): Promise<void> {
    this.#stop.abort();
    if (this.#timer !== undefined) this.#options.clock.clearTimer(this.#timer);
    await this.#look;
  }

  #arm(): void {
    if (this.#stop.signal.aborted) return;
    const { clock, onError } = this.#options;
    this.#timer = clock.setTimer(LOOK_EVERY_MS, () => {
      this.#look = this.#purge(this.#stop.signal).catch((error: unknown) => {
        if (!this.#stop.signal.aborted) onError(error);
      }).finally(() => this.#arm());
    });
  }

  async #purge(signal: AbortSignal): Promise<void> {
    const { replica, leads, clock } = this.#options;
    for (let round = 0; round < MAX_COMMANDS && !signal.aborted; round++) {
      if (!leads()) return;
      const command = await oldestPastRetention(replica, clock.nowMs());
      if (command === undefined) return;
      await replica.submit(command, { actor: SYSTEM_IDENTITY, signal });
    }
  }
}

/** The command for the oldest records that nobody has to keep; undefined when there are none. */
async function oldestPastRetention(
  replica: Pick<Replica, "state" | "audit">,
  nowMs: number,
): Promise<CommandInput | undefined> {
  const newest = new Map<string, string>();
  let last: AuditRecord | undefined;
  for await (const record of replica.audit({ archived: true, limit: MAX_PURGED_RECORDS })) {
    const owner = retentionOwner(replica.state, record.scope);
    if (keptUntilMs(replica.state, owner, record.timestamp) > nowMs) break;
    const former = newest.get(owner);
    if (former === undefined || Date.parse(former) < Date.parse(record.timestamp)) {
      newest.set(owner, record.timestamp);
    }
    last = record;
  }
  const number = /^op-(\d+)$/.exec(last?.id ?? "")?.[1];
  if (number === undefined) return undefined;
  return {
    type: "PurgeAudit",
    through: Number(number),
    newest: [...newest].map(([vcluster_id, at]) => ({ vcluster_id, at })),
  };
}
