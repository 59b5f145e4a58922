/**
 * What becomes of callers without a good token: the core hears of them, those alike together, and a
 * source that has too many of them is answered late (AUT-12, AUD-2). It ends with `close`.
 */

import type { agentport } from "../../api/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import { FailureBrake, RefusalTally } from "../../common/refusals/mod.ts";
import type { RefusedCaller } from "./listener.ts";

/** Most sources and reasons told apart at once. */
const MAX_TOLD = 100;

/** One report about callers that were refused. */
export type RefusalReport = Omit<agentport.CallerRefused, "$typeName" | "$unknown">;

/** See the head of this file. */
export class RefusedCallers {
  readonly #brake: FailureBrake;
  readonly #tally: RefusalTally<RefusedCaller>;

  constructor(clock: Clock, tell: (report: RefusalReport) => void) {
    this.#brake = new FailureBrake(clock);
    this.#tally = new RefusalTally({
      clock,
      maxKeys: MAX_TOLD,
      tell: (refusal, count) => tell({ ...refusal, count }),
    });
  }

  /** Resolves when the refusal may be answered. */
  async add(refusal: RefusedCaller): Promise<void> {
    this.#tally.add(refusal);
    await this.#brake.failed(refusal.source);
  }

  close(): void {
    this.#tally.close();
  }
}
