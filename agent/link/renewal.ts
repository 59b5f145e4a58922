/**
 * Keeps a node's certificate fresh. It owns one timer and ends with `close`.
 *
 * | when                                        | what                                           |
 * |---------------------------------------------|------------------------------------------------|
 * | two thirds of the certificate's life, ± 5 % | renew (ROT-1)                                  |
 * | its CA is about to be dropped               | renew at a random moment within 300 s (CRT-1a) |
 * | renewing failed                             | again after 300 s; what is in use stays in use |
 *
 * @module
 */
import type { agentport } from "../../api/mod.ts";
import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { parsePeerCertificate } from "../../common/certificate/mod.ts";
import { renew } from "./enroll.ts";
import { type JournalSession, openChecked } from "./session.ts";

/** Wait between tries when renewing fails (E5), and the time in which nodes change to another CA. */
const RETRY_MS = 300_000;
/** Longest wait the runtime's timers take. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const LEAST_WAIT_MS = 1_000;
const HOUR_SECONDS = 3_600;

/** What renewing works with. */
export interface RenewalOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly random: () => number;
  /** Renews earlier than at two thirds where this much or less is left then; 0 does not. */
  readonly renewBeforeMs?: number;
  /** The second channel under the new certificate works: it takes over from the first (ROT-2). */
  readonly onRenewed: (session: JournalSession) => void;
}

/** See the head of this file. */
export class Renewal {
  #session: JournalSession;
  /** Issued, but its channel did not work yet: the journal gives no other for the old serial. */
  #pending: agentport.NodeIdentity | undefined;
  #timer: TimerHandle | undefined;
  #isChangingCa = false;
  #isClosed = false;

  constructor(private readonly options: RenewalOptions, session: JournalSession) {
    this.#session = session;
    this.#plan(LEAST_WAIT_MS);
  }

  /** The CA of the certificate in use will be dropped. */
  issuerLeaves(): void {
    if (this.#isChangingCa) return;
    this.#isChangingCa = true;
    const waitMs = RETRY_MS * this.options.random();
    this.options.log.info("the CA of this node's certificate is replaced, renewing", {
      in_seconds: Math.round(waitMs / 1000),
    });
    this.#arm(waitMs);
  }

  close(): void {
    this.#isClosed = true;
    if (this.#timer !== undefined) this.options.clock.clearTimer(this.#timer);
  }

  #plan(leastMs: number): void {
    const { clock, random, renewBeforeMs = 0 } = this.options;
    const { notBefore, notAfter } = parsePeerCertificate(this.#session.identity.certPem);
    const lifeMs = notAfter.getTime() - notBefore.getTime();
    // ±5 % spreads the renewals of nodes that were enrolled together.
    const spread = 0.95 + 0.1 * random();
    // A tenth of its life is used in any case, or a node would renew all the time.
    const earlyMs = Math.max(lifeMs - renewBeforeMs, lifeMs / 10);
    const dueMs = notBefore.getTime() + Math.min(lifeMs * (2 / 3), earlyMs) * spread;
    this.#arm(Math.max(dueMs - clock.nowMs(), leastMs));
  }

  #arm(waitMs: number): void {
    const { clock } = this.options;
    if (this.#isClosed) return;
    if (this.#timer !== undefined) clock.clearTimer(this.#timer);
    const boundedMs = Math.min(Math.max(waitMs, LEAST_WAIT_MS), MAX_TIMER_MS);
    this.#timer = clock.setTimer(boundedMs, () => void this.#renew());
  }

  async #renew(): Promise<void> {
    const { clock, log, onRenewed } = this.options;
    const old = this.#session;
    try {
      this.#pending ??= await renew(old.transport, old.identity, clock.nowMs());
      const next = await openChecked(old.address, this.#pending);
      if (this.#isClosed) return next.close();
      this.#pending = undefined;
      this.#session = next;
      this.#isChangingCa = false;
      log.info("certificate renewed", {
        serial: next.identity.serial,
        former: next.identity.previousSerial,
      });
      // A clock that is days ahead must not make this node ask every second.
      this.#plan(RETRY_MS);
      onRenewed(next);
    } catch (error) {
      this.#failed(error);
      this.#arm(RETRY_MS);
    }
  }

  /** Louder as the end of the certificate comes near (ROT-1). */
  #failed(error: unknown): void {
    const { clock, log } = this.options;
    const { notAfter } = parsePeerCertificate(this.#session.identity.certPem);
    const secondsLeft = Math.round((notAfter.getTime() - clock.nowMs()) / 1000);
    const fields = { error: String(error), seconds_left: secondsLeft };
    if (secondsLeft < HOUR_SECONDS) log.error("cert renewal failed, retrying", fields);
    else log.warn("cert renewal failed, retrying", fields);
  }
}
