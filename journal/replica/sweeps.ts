/**
 * Owns the timer of the leader's periodic proposals: whatever ends by itself is ended by a command
 * in the log, never by a member's own clock (HB-5, JRN-20). Ends with `stop`.
 *
 * | what has ended                       | command              | looked for every |
 * |--------------------------------------|----------------------|------------------|
 * | a node delta's TTL (JRN-32)          | ExpireTtl            | 60 s             |
 * | a pending approval (policy.md 6.3)   | DecideApproval       | 15 s             |
 * | an emergency's time (EMG-4)          | MarkEmergenciesStale | 15 s             |
 * | a conflict's grace period (CON-2)    | ResolveConflict      | 15 s             |
 * | a lock's time                        | ExpireLocks          | 15 s             |
 * | a kept document's keeping, see purge | PurgeExpired         | 60 s             |
 *
 * @module
 */
import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import {
  type CommandInput,
  type DocumentsView,
  isEmergencyOverdue,
  isLockOver,
  isPurgeDue,
} from "../state/mod.ts";

/** How often the state is searched for what has expired, in milliseconds. */
export const SWEEP_INTERVAL_MS = 15_000;

/** Node deltas are withdrawn, and kept documents purged, at every fourth sweep (JRN-32). */
const RARE_SWEEP_MS = 60_000;

/** Most things one sweep ends of a kind; the next one goes on. */
const MAX_EXPIRIES = 500;

/** Commands for what a sweep at `nowMs` finds; `isRare` marks every fourth one. */
export function expiryCommands(
  view: DocumentsView,
  nowMs: number,
  isRare: boolean,
): CommandInput[] {
  return [
    ...expiredApprovals(view, nowMs),
    ...overdueEmergencies(view, nowMs),
    ...overdueConflicts(view, nowMs),
    ...expiredLocks(view, nowMs),
    ...(isRare ? expiredDeltas(view, nowMs) : []),
    ...(isRare && isPurgeDue(view, nowMs) ? [{ type: "PurgeExpired" as const }] : []),
  ];
}

function expiredDeltas(view: DocumentsView, nowMs: number): CommandInput[] {
  const sequences: number[] = [];
  for (const [, { sequence, expires_at }] of view.list("ttls")) {
    if (Date.parse(expires_at) <= nowMs) sequences.push(sequence);
    if (sequences.length === MAX_EXPIRIES) break;
  }
  return sequences.length === 0 ? [] : [{ type: "ExpireTtl", sequences }];
}

function expiredApprovals(view: DocumentsView, nowMs: number): CommandInput[] {
  const commands: CommandInput[] = [];
  for (const [approval_id, { status, expires_at }] of view.list("approvals")) {
    if (status !== "Pending" || Date.parse(expires_at) >= nowMs) continue;
    commands.push({ type: "DecideApproval", approval_id, decision: "Expired" });
    if (commands.length === MAX_EXPIRIES) break;
  }
  return commands;
}

function overdueEmergencies(view: DocumentsView, nowMs: number): CommandInput[] {
  const session_ids: string[] = [];
  for (const [, { session_id }] of view.list("open_emergencies")) {
    const session = view.get("emergencies", session_id);
    if (session !== undefined && isEmergencyOverdue(session, nowMs)) session_ids.push(session_id);
    if (session_ids.length === MAX_EXPIRIES) break;
  }
  return session_ids.length === 0 ? [] : [{ type: "MarkEmergenciesStale", session_ids }];
}

function expiredLocks(view: DocumentsView, nowMs: number): CommandInput[] {
  const keys: string[] = [];
  for (const [key, lock] of view.list("locks")) {
    if (isLockOver(lock, nowMs)) keys.push(key);
    if (keys.length === MAX_EXPIRIES) break;
  }
  return keys.length === 0 ? [] : [{ type: "ExpireLocks", keys }];
}

function overdueConflicts(view: DocumentsView, nowMs: number): CommandInput[] {
  const commands: CommandInput[] = [];
  for (const [, { conflict_id }] of view.list("open_conflicts")) {
    const deadline = view.get("conflicts", conflict_id)?.deadline;
    if (deadline === undefined || Date.parse(deadline) > nowMs) continue;
    commands.push({ type: "ResolveConflict", conflict_id, accept: "expired" });
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
  #rarelySweptMs: number;
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
    this.#rarelySweptMs = clock.monotonicMs();
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
    const isRare = this.#clock.monotonicMs() - this.#rarelySweptMs >= RARE_SWEEP_MS;
    if (isRare) this.#rarelySweptMs = this.#clock.monotonicMs();
    for (const command of expiryCommands(this.#view, this.#clock.nowMs(), isRare)) {
      try {
        await this.#propose(command);
      } catch (error) {
        // Whatever stays expired is found by the next sweep.
        this.onError(error);
      }
    }
  }
}
