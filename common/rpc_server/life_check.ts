/**
 * Asks the peers of sessions whether they are there, now rather than when a quiet session is next
 * looked at. A machine that was reset answers by ending the connection, one without power not at all.
 */
import type { ServerHttp2Session } from "node:http2";
import type { Clock } from "../clock/mod.ts";

/** What became of a question to several sessions of one peer. */
export type PeerLife = "none" | "alive" | "gone";

/**
 * `alive` as soon as one session answers a PING, `gone` once none of them did within `withinMs`,
 * `none` where there are no sessions.
 */
export async function findLife(
  sessions: readonly ServerHttp2Session[],
  clock: Clock,
  withinMs: number,
): Promise<PeerLife> {
  if (sessions.length === 0) return "none";
  const { promise: late, resolve } = Promise.withResolvers<false>();
  const timer = clock.setTimer(withinMs, () => resolve(false));
  const answers = sessions.map((session) => answersPing(session, late));
  try {
    await Promise.any(answers.map(async (answer) => {
      if (!await answer) throw new Error("no answer");
    }));
    return "alive";
  } catch {
    return "gone";
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
