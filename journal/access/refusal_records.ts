/**
 * Puts refused attempts of strangers on record, at most one record for each source and reason in ten
 * seconds, with a count, so that an attacker cannot fill the log (ENR-25). It owns a timer for each
 * source and reason under way and ends with `close`.
 */

import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { ErrorCode } from "../../common/errors/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { SYSTEM_IDENTITY } from "../../common/model/mod.ts";
import type { Replica } from "../replica/mod.ts";

const INTERVAL_MS = 10_000;

/** A refused attempt. */
export interface Refusal {
  readonly source: string;
  readonly code: ErrorCode;
  readonly detail: string;
  /** What was presented, without any secret. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Where refusals go, and as what. */
export interface RefusalRecordsOptions {
  readonly replica: Replica;
  readonly clock: Clock;
  readonly log: Logger;
  /** What was attempted, as audit records name it (AUD-1). */
  readonly operationType: string;
  /** Begins the log line. */
  readonly message: string;
  /** Most sources and reasons told apart at once; the rest share one record. */
  readonly maxKeys: number;
}

interface Pending {
  count: number;
  readonly timer: TimerHandle;
}

/** See the head of this file. */
export class RefusalRecords {
  readonly #pending = new Map<string, Pending>();

  constructor(private readonly options: RefusalRecordsOptions) {}

  /** Records the first refusal of its kind at once and counts those that follow it. */
  add(refusal: Refusal): void {
    const { clock, maxKeys } = this.options;
    const own = `${refusal.source}\n${refusal.code}`;
    const key = this.#pending.size < maxKeys || this.#pending.has(own) ? own : "others";
    const pending = this.#pending.get(key);
    if (pending !== undefined) {
      pending.count++;
      return;
    }
    const timer = clock.setTimer(INTERVAL_MS, () => {
      const later = this.#pending.get(key)?.count ?? 0;
      this.#pending.delete(key);
      if (later > 0) this.#record(refusal, later);
    });
    this.#pending.set(key, { count: 0, timer });
    this.#record(refusal, 1);
  }

  close(): void {
    for (const { timer } of this.#pending.values()) this.options.clock.clearTimer(timer);
    this.#pending.clear();
  }

  #record({ source, code, detail, metadata }: Refusal, count: number): void {
    const { replica, log, operationType, message } = this.options;
    log.warn(message, { source, reason: detail, count });
    replica.submit({
      type: "RecordOperation",
      operation: {
        actor: SYSTEM_IDENTITY,
        operation_type: operationType,
        scope: "Global",
        outcome: "Denied",
        detail,
        source,
        metadata: { ...metadata, code, count: String(count) },
      },
    }, { actor: SYSTEM_IDENTITY }).catch((error: unknown) =>
      log.warn(`${message}, which is not on record`, { source, error: String(error) })
    );
  }
}
