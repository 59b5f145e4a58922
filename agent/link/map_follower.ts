import type { journal } from "../../api/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import type { JournalSession } from "./session.ts";

/** Keeps a node's identity map as new as the journal's (IDM-5). */
export interface MapFollower {
  /** Asks whether there is a newer one; a journal that does not answer is asked again next time. */
  refresh(session: Pick<JournalSession, "uidMap">): Promise<void>;
}

/** A follower that hands each newer map to `onMap`. */
export function createMapFollower(
  log: Logger,
  onMap: (map: journal.UidMap) => void,
): MapFollower {
  let known: bigint | undefined;
  return {
    refresh: async (session) => {
      try {
        const map = await session.uidMap(known);
        if (map.version === known) return;
        known = map.version;
        onMap(map);
      } catch (error) {
        log.warn("identity map not refreshed", { error: String(error) });
      }
    },
  };
}
