/*
 * Shell: the agent's end of the pipe to PID 1 (docs/architecture.md). Owns a timer while the agent
 * stops; ends with the process, for PID 1 takes a closed pipe for silence.
 */

import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { type Files, isShimError } from "../../ffi/mod.ts";
import type { MachineEnd } from "./ending.ts";
import type { InitFacts } from "./facts.ts";

/** Between two beats of an agent that stops. */
const STOPPING_BEAT_MS = 1_000;
/** Services, sessions and workloads are given this long together; then PID 1 takes over (SHD-2, SHD-4). */
const STOPPING_LIMIT_MS = 140_000;

const END_BYTES: Readonly<Record<MachineEnd, string>> = { reboot: "R", powerOff: "P" };

export interface InitLinkOptions {
  readonly files: Files;
  readonly clock: Clock;
  readonly log: Logger;
  readonly facts: InitFacts;
}

export class InitLink {
  #timer: TimerHandle | null = null;
  #hasFailed = false;

  constructor(private readonly options: InitLinkOptions) {}

  get facts(): InitFacts {
    return this.options.facts;
  }

  /** Supervision has gone round once more. Never throws: without beats the watchdog ends the node. */
  beat(): void {
    this.#send("B");
  }

  /** Has a watchdog, by its number, set to a timeout; or the one in use disarmed. */
  setWatchdog(watchdog: { readonly number: number; readonly seconds: number } | "off"): void {
    this.#send(watchdog === "off" ? "0W" : `${watchdog.number}D${watchdog.seconds}W`);
  }

  /** Beats while the agent stops what runs here, for a bounded time. */
  keepBeating(): void {
    const { clock } = this.options;
    const untilMs = clock.monotonicMs() + STOPPING_LIMIT_MS;
    const beat = () => {
      this.beat();
      if (clock.monotonicMs() < untilMs) this.#timer = clock.setTimer(STOPPING_BEAT_MS, beat);
    };
    this.#stopBeating();
    beat();
  }

  /** Everything is stopped: PID 1 ends the machine. */
  end(how: MachineEnd): void {
    this.#stopBeating();
    this.#send(END_BYTES[how]);
  }

  /** The next end of this process is no failure, and a new version starts (at once). */
  announceUpgrade(): void {
    this.#send("U");
  }

  #stopBeating(): void {
    if (this.#timer !== null) this.options.clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  /** Said once for as long as it fails. */
  #send(bytes: string): void {
    const { files, facts, log } = this.options;
    try {
      files.writePipe(facts.beatFd, new TextEncoder().encode(bytes));
      this.#hasFailed = false;
    } catch (error) {
      if (!isShimError(error)) throw error;
      if (!this.#hasFailed) log.error("PID 1 not told", { bytes, reason: error.message });
      this.#hasFailed = true;
    }
  }
}
