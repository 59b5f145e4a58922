/**
 * Asks the peers of sessions whether they are there, now rather than when a quiet session is next
 * looked at. A machine that was reset answers by ending the connection, one without power not at all.
 */
import type { ServerHttp2Session } from "node:http2";
import type { Clock } from "../clock/mod.ts";

/** What became of a question to several sessions of one peer. */
export type PeerLife = "none" | "alive" | "gone";

/** How a peer is asked. */
export interface LifeCheck {
  /** Its sessions as of now. */
  readonly sessions: () => readonly ServerHttp2Session[];
  readonly end: (session: ServerHttp2Session) => void;
  readonly clock: Clock;
  readonly withinMs: number;
  /** The peer is gone; its sessions end after this. */
  readonly onGone: () => void;
}

/**
 * `alive` as soon as one session answers a PING, `gone` once none of them did within `withinMs` and
 * no other has come meanwhile, `none` where there are no sessions.
 */
export async function findLife(check: LifeCheck): Promise<PeerLife> {
  const asked = check.sessions();
  if (asked.length === 0) return "none";
  if (await isAnyAlive(asked, check)) return "alive";
  if (check.sessions().some((session) => !asked.includes(session))) return "alive";
  check.onGone();
  for (const session of asked) check.end(session);
  return "gone";
}

async function isAnyAlive(
  asked: readonly ServerHttp2Session[],
  { clock, withinMs }: LifeCheck,
): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<false>();
  const timer = clock.setTimer(withinMs, () => resolve(false));
  try {
    await Promise.any(asked.map(async (session) => {
      if (!await answersPing(session, late)) throw new Error("no answer");
    }));
    return true;
  } catch {
    return false;
  } finally {
    clock.clearTimer(timer);
    resolve(false);
  }
}

async function answersPing(session: ServerHttp2Session, late: Promise<false>): Promise<boolean> {
  if (session.closed || session.destroyed) return false;
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const onClose = () => resolve(false);
  session.once("close", onClose);
  session.ping((error) => resolve(error === null));
  try {
    return await Promise.race([promise, late]);
  } finally {
    session.off("close", onClose);
  }
}
