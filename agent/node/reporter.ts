/**
 * Tells the journal how the node is: soon after a change, at once on contact, and from time to time as
 * a confirmation. It owns two timers and ends by `close`.
 */

import type { capability, journal } from "../../api/mod.ts";
import { materialText } from "../../common/capability/mod.ts";
import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { CoreFrameContent } from "../port/mod.ts";
import { plainReport } from "./plain_form.ts";

/** Changes that follow each other within this time are one report. */
const DELAY_MS = 100;
/** How often state and capability are reported without a change (DRIFT-7, CAP-3). */
const CONFIRM_MS = 300_000;

/** Where reports come from and go. */
export interface ReporterOptions {
  readonly clock: Clock;
  readonly send: (frame: CoreFrameContent) => void;
  status(): journal.NodeStateDetail;
  /** Undefined until the node is what its report says (BTS phase 6). */
  capability(): capability.CapabilityReport | undefined;
}

/** See above. */
export class Reporter {
  #isConnected = false;
  #changeTimer: TimerHandle | undefined;
  #confirmTimer: TimerHandle | undefined;
  #isClosed = false;
  /** What the journal was last told of the machine, as far as it is news. */
  #toldCapability: string | undefined;

  constructor(private readonly options: ReporterOptions) {
    this.#confirmLater();
  }

  /** Something that reports show has changed. */
  changed(): void {
    if (this.#isClosed || this.#changeTimer !== undefined) return;
    this.#changeTimer = this.options.clock.setTimer(DELAY_MS, () => {
      this.#changeTimer = undefined;
      this.#report();
    });
  }

  /** Contact was made or lost; on contact everything is told. */
  connected(isConnected: boolean): void {
    this.#isConnected = isConnected;
    this.#toldCapability = undefined;
    if (isConnected) this.#report();
  }

  close(): void {
    this.#isClosed = true;
    for (const timer of [this.#changeTimer, this.#confirmTimer]) {
      if (timer !== undefined) this.options.clock.clearTimer(timer);
    }
  }

  #confirmLater(): void {
    this.#confirmTimer = this.options.clock.setTimer(CONFIRM_MS, () => {
      this.#toldCapability = undefined;
      this.#report();
      this.#confirmLater();
    });
  }

  #report(): void {
    if (!this.#isConnected || this.#isClosed) return;
    const { send, status } = this.options;
    send({ case: "reportState", value: status() });
    const report = this.options.capability();
    if (report === undefined) return;
    const news = materialText(plainReport(report));
    if (news === this.#toldCapability) return;
    this.#toldCapability = news;
    send({ case: "reportCapability", value: report });
  }
}
