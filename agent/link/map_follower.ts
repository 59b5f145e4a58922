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

/** Subjects that were refused and are not asked for again. */
const MAX_REFUSED = 1_000;

/** A follower that hands each newer map to `onMap`. */
export function createMapFollower(
  log: Logger,
  onMap: (map: journal.UidMap) => void,
): MapFollower {
  let known: bigint | undefined;
  let subjects: ReadonlySet<string> = new Set();
  /** Being asked for, or refused: neither is asked for twice. */
  const asked = new Set<string>();

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

  return {
    refresh,
    meet: async (session, subject) => {
      const isKnown = known === undefined || subjects.has(subject) || asked.has(subject);
      if (session === undefined || isKnown || asked.size >= MAX_REFUSED) return;
      asked.add(subject);
      try {
        await session.assignUid(subject, usernameOf(subject));
        asked.delete(subject);
        await refresh(session);
      } catch (error) {
        log.warn("no id for who signed in", { subject, error: String(error) });
      }
    },
  };
}
