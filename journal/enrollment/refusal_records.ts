/**
 * Puts refused enrolments on record, at most one record for each source and reason in ten seconds,
 * with a count, so that an attacker cannot fill the log (ENR-25). It owns a timer for each source and
 * reason under way and ends with `close`.
 */

import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { ErrorCode } from "../../common/errors/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { SYSTEM_IDENTITY } from "../../common/model/mod.ts";
import type { Replica } from "../replica/mod.ts";

const INTERVAL_MS = 10_000;
/** Most sources and reasons told apart at once; the rest share one record. */
const MAX_KEYS = 10_000;

/** A refused attempt to enrol. */
export interface Refusal {
  readonly source: string;
  readonly code: ErrorCode;
  readonly detail: string;
  /** The identifiers it presented. */
  readonly hardware: readonly string[];
}

interface Pending {
  count: number;
  readonly timer: TimerHandle;
}

/** See the head of this file. */
export class RefusalRecords {
  readonly #pending = new Map<string, Pending>();

  constructor(
    private readonly replica: Replica,
    private readonly clock: Clock,
    private readonly log: Logger,
  ) {}

  /** Records the first refusal of its kind at once and counts those that follow it. */
  add(refusal: Refusal): void {
    const own = `${refusal.source}\n${refusal.code}`;
    const key = this.#pending.size < MAX_KEYS || this.#pending.has(own) ? own : "others";
    const pending = this.#pending.get(key);
    if (pending !== undefined) {
      pending.count++;
      return;
    }
    const timer = this.clock.setTimer(INTERVAL_MS, () => {
      const later = this.#pending.get(key)?.count ?? 0;
      this.#pending.delete(key);
      if (later > 0) this.#record(refusal, later);
    });
    this.#pending.set(key, { count: 0, timer });
    this.#record(refusal, 1);
  }

  close(): void {
    for (const { timer } of this.#pending.values()) this.clock.clearTimer(timer);
    this.#pending.clear();
  }

  #record({ source, code, detail, hardware }: Refusal, count: number): void {
    this.log.warn("enrollment refused", { source, reason: detail, count });
    this.replica.submit({
      type: "RecordOperation",
      operation: {
        actor: SYSTEM_IDENTITY,
        operation_type: "NodeEnroll",
        scope: "Global",
        outcome: "Denied",
        detail,
        source,
        metadata: {
          code,
          count: String(count),
          hardware: hardware.join(" ").slice(0, 1024),
        },
      },
    }, { actor: SYSTEM_IDENTITY }).catch((error: unknown) =>
      this.log.warn("a refused enrollment is not on record", { source, error: String(error) })
    );
  }
}
