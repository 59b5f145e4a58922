/**
 * Owns the timer of the leader's periodic proposals: expired node deltas (JRN-32) and expired
 * approvals (policy.md 6.3). Ends with `stop`.
 *
 * @module
 */
import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { CommandInput, DocumentsView } from "../state/mod.ts";

/** How often the state is searched for what has expired, in milliseconds. */
export const SWEEP_INTERVAL_MS = 15_000;

/** Node deltas are withdrawn at every fourth sweep: once a minute (JRN-32). */
const TTL_SWEEP_MS = 60_000;

/** Most deltas one command withdraws. */
const MAX_EXPIRIES = 500;

/** Commands that expire what is past its time at `nowMs`. */
export function expiredDeltas(view: DocumentsView, nowMs: number): CommandInput[] {
  const sequences: number[] = [];
  for (const [, { sequence, expires_at }] of view.list("ttls")) {
    if (Date.parse(expires_at) <= nowMs) sequences.push(sequence);
    if (sequences.length === MAX_EXPIRIES) break;
  }
  return sequences.length === 0 ? [] : [{ type: "ExpireTtl", sequences }];
}

/** Commands that close pending approvals past their time at `nowMs`. */
export function expiredApprovals(view: DocumentsView, nowMs: number): CommandInput[] {
  const commands: CommandInput[] = [];
  for (const [approval_id, { status, expires_at }] of view.list("approvals")) {
    if (status !== "Pending" || Date.parse(expires_at) >= nowMs) continue;
    commands.push({ type: "DecideApproval", approval_id, decision: "Expired" });
    if (commands.length === MAX_EXPIRIES) break;
  }
  return commands;
}

/** Runs the sweeps on the member that leads. */
export class Sweeps {
  readonly #clock: Clock;
  readonly #view: DocumentsView;
  readonly #propose: (command: CommandInput) => Promise<unknown>;
  readonly #leads: () => boolean;
  #timer: TimerHandle | undefined;
  #ttlSweptMs: number;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(
    clock: Clock,
    view: DocumentsView,
    propose: (command: CommandInput) => Promise<unknown>,
    leads: () => boolean,
    private readonly onError: (error: unknown) => void,
  ) {
    this.#clock = clock;
    this.#view = view;
    this.#propose = propose;
    this.#leads = leads;
    this.#ttlSweptMs = clock.monotonicMs();
    this.#arm();
  }

  /** Ends the timer and waits for the sweep under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== undefined) this.#clock.clearTimer(this.#timer);
    await this.#running;
  }

  #arm(): void {
    if (this.#stopped) return;
    this.#timer = this.#clock.setTimer(SWEEP_INTERVAL_MS, () => {
      this.#running = this.#sweep().finally(() => this.#arm());
    });
  }

  async #sweep(): Promise<void> {
    if (!this.#leads()) return;
    const nowMs = this.#clock.nowMs();
    const commands = expiredApprovals(this.#view, nowMs);
    if (this.#clock.monotonicMs() - this.#ttlSweptMs >= TTL_SWEEP_MS) {
      this.#ttlSweptMs = this.#clock.monotonicMs();
      commands.push(...expiredDeltas(this.#view, nowMs));
    }
    for (const command of commands) {
      try {
        await this.#propose(command);
      } catch (error) {
        // Whatever stays expired is found by the next sweep.
        this.onError(error);
      }
    }
  }
}
