import { Code, ConnectError } from "@connectrpc/connect";
import type { journal } from "../../api/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import type { JournalSession } from "./session.ts";
import { usernameOf } from "./username.ts";

type Session = Pick<JournalSession, "uidMap" | "assignUid">;

/** Keeps a node's identity map as new as the journal's, and adds whom this node meets (IDM-4, IDM-5). */
export interface MapFollower {
  /** Asks whether there is a newer one; a journal that does not answer is asked again next time. */
  refresh(session: Session): Promise<void>;
  /** Somebody signed in here: who is in no map yet is given an id, once it is asked for. */
  meet(session: Session | undefined, subject: string): Promise<void>;
}

/** Subjects that wait for contact, and that were refused and are not asked for again. */
const MAX_REMEMBERED = 1_000;

/** A follower that hands each newer map to `onMap`. */
export function createMapFollower(
  log: Logger,
  onMap: (map: journal.UidMap) => void,
): MapFollower {
  let known: bigint | undefined;
  let subjects: ReadonlySet<string> = new Set();
  /** Being asked for, or refused: neither is asked for twice. */
  const asked = new Set<string>();
  /** Signed in while there was no contact. */
  const waiting = new Set<string>();

  async function refresh(session: Session): Promise<void> {
    try {
      const map = await session.uidMap(known);
      if (map.version === known) return;
      known = map.version;
      subjects = new Set(map.entries.map(({ subject }) => subject));
      onMap(map);
    } catch (error) {
      log.warn("identity map not refreshed", { error: String(error) });
    }
  }

  async function meet(session: Session | undefined, subject: string): Promise<void> {
    if (session === undefined || known === undefined) {
      if (waiting.size < MAX_REMEMBERED) waiting.add(subject);
      return;
    }
    if (subjects.has(subject) || asked.has(subject) || asked.size >= MAX_REMEMBERED) return;
    asked.add(subject);
    try {
      await session.assignUid(subject, usernameOf(subject));
      asked.delete(subject);
      await refresh(session);
    } catch (error) {
      if (isOutage(error)) asked.delete(subject);
      log.warn("no id for who signed in", { subject, error: String(error) });
    }
  }

  /** Nobody waits for it: a slow journal keeps no node from its declaration. */
  async function meetWaiting(session: Session): Promise<void> {
    for (const subject of [...waiting]) {
      waiting.delete(subject);
      await meet(session, subject);
    }
  }

  return {
    meet,
    refresh: async (session) => {
      await refresh(session);
      void meetWaiting(session);
    },
  };
}

/** A journal that is away, and not one that refuses: it is asked again at the next sign-in. */
function isOutage(error: unknown): boolean {
  if (!(error instanceof ConnectError)) return true;
  return [Code.Unavailable, Code.DeadlineExceeded, Code.Canceled].includes(error.code);
}
