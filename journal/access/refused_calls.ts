/**
 * What becomes of calls without a valid credential: they are counted, put on record and, from a
 * source that has too many of them, answered late (AUT-12, AUD-2). It ends with `close`.
 */

import type { Clock } from "../../common/clock/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { FailureBrake } from "../../common/refusals/mod.ts";
import type { Replica } from "../replica/mod.ts";
import type { RefusedCall } from "./authenticate.ts";
import { RefusalRecords } from "./refusal_records.ts";

/** Most sources and reasons with records of their own at once: strangers cost few writes. */
const MAX_RECORDED = 100;

/** What it works with. */
export interface RefusedCallsOptions {
  readonly replica: Replica;
  readonly clock: Clock;
  readonly log: Logger;
  /** Hears of each. */
  readonly onRefused: () => void;
}

/** See the head of this file. */
export class RefusedCalls {
  readonly #brake: FailureBrake;
  readonly #records: RefusalRecords;

  constructor(private readonly options: RefusedCallsOptions) {
    const { replica, clock, log } = options;
    this.#brake = new FailureBrake(clock);
    this.#records = new RefusalRecords({
      ...{ replica, clock, log, maxKeys: MAX_RECORDED },
      operationType: "Authenticate",
      message: "call refused",
    });
  }

  /** Resolves when the refusal may be answered. */
  async add({ source, method, error, certificateName }: RefusedCall): Promise<void> {
    this.options.onRefused();
    const { code, message } = error instanceof PactError
      ? error
      : new PactError("INTERNAL", "the credential could not be checked");
    const metadata = {
      method,
      ...(certificateName === undefined ? {} : { via: certificateName }),
    };
    this.#records.add({ source, code, detail: message, metadata });
    await this.#brake.failed(source);
  }

  close(): void {
    this.#records.close();
  }
}
