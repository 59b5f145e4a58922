/**
 * Puts refused attempts of strangers on record, at most one record for each source and reason in ten
 * seconds, with a count (ENR-25). It owns the counts and ends with `close`.
 */

import type { Clock } from "../../common/clock/mod.ts";
import type { ErrorCode } from "../../common/errors/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { SYSTEM_IDENTITY } from "../../common/model/mod.ts";
import { RefusalTally } from "../../common/refusals/mod.ts";
import type { Replica } from "../replica/mod.ts";

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

/** See the head of this file. */
export class RefusalRecords {
  readonly #tally: RefusalTally<Refusal>;

  constructor(private readonly options: RefusalRecordsOptions) {
    const { clock, maxKeys } = options;
    const tell = (refusal: Refusal, count: number) => this.#record(refusal, count);
    this.#tally = new RefusalTally({ clock, maxKeys, tell });
  }

  /** Records the first refusal of its kind at once and counts those that follow it. */
  add(refusal: Refusal): void {
    this.#tally.add(refusal);
  }

  close(): void {
    this.#tally.close();
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
