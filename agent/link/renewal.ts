import type { agentport } from "../../api/mod.ts";
import type { Clock, TimerHandle } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { parsePeerCertificate } from "../../common/certificate/mod.ts";
import { renew } from "./enroll.ts";
import type { JournalSession } from "./session.ts";

/** Wait between tries when renewing fails (E5). */
const RETRY_MS = 300_000;
/** Longest wait the runtime's timers take. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** A planned renewal. */
export interface Renewal {
  cancel(): void;
}

/**
 * Asks for a new certificate at two thirds of the current one's life and again every five minutes
 * until it is there; the old one stays in use meanwhile (ROT-1, ROT-3).
 */
export function scheduleRenewal(
  { session, clock, log, random }: {
    readonly session: JournalSession;
    readonly clock: Clock;
    readonly log: Logger;
    readonly random: () => number;
  },
  onRenewed: (identity: agentport.NodeIdentity) => void,
): Renewal {
  const { notBefore, notAfter } = parsePeerCertificate(session.identity.certPem);
  let timer: TimerHandle;
  const tryNow = async () => {
    try {
      onRenewed(await renew(session.transport, session.identity));
    } catch (error) {
      log.warn("cert renewal failed, retrying", {
        error: String(error),
        seconds_left: Math.round((notAfter.getTime() - clock.nowMs()) / 1000),
      });
      timer = clock.setTimer(RETRY_MS, tryNow);
    }
  };
  const lifeMs = notAfter.getTime() - notBefore.getTime();
  // ±5 % spreads the renewals of nodes that were enrolled together.
  const dueMs = notBefore.getTime() + lifeMs * (2 / 3) * (0.95 + 0.1 * random());
  timer = clock.setTimer(Math.min(Math.max(dueMs - clock.nowMs(), 1000), MAX_TIMER_MS), tryNow);
  return { cancel: () => clock.clearTimer(timer) };
}
