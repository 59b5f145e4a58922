import { Code, ConnectError } from "@connectrpc/connect";
import type { journal, stream } from "../../api/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import type { JournalSession } from "./session.ts";
import { usernameOf } from "./username.ts";

type Session = Pick<JournalSession, "uidMap" | "assignUid">;

/** Keeps a node's identity map as new as the journal's, and adds whom this node meets (IDM-4, IDM-5). */
export interface MapFollower {
  /** Asks whether there is a newer one; a journal that does not answer is asked again next time. */
  refresh(session: Session): Promise<void>;
  /** The journal told what was added to the map, or that there is another one (UID-5). */
  heard(change: stream.IdentityMapChange): void;
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
  let map: journal.UidMap | undefined;
  let subjects: ReadonlySet<string> = new Set();
  /** Being asked for, or refused: neither is asked for twice. */
  const asked = new Set<string>();
  /** Signed in while there was no contact. */
  const waiting = new Set<string>();

  function take(newer: journal.UidMap): void {
    map = newer;
    subjects = new Set(newer.entries.map(({ subject }) => subject));
    onMap(newer);
  }

  async function refresh(session: Session): Promise<void> {
    const asked = map?.version;
    try {
      const answer = await session.uidMap(asked);
      // What was told meanwhile may be newer than the answer; the next question shows.
      if (answer.version === asked || map?.version !== asked) return;
      take(answer);
    } catch (error) {
      log.warn("identity map not refreshed", { error: String(error) });
    }
  }

  /** What does not add to the map at hand is in the next answer: thousands need not ask at once. */
  function heard(change: stream.IdentityMapChange): void {
    if (map === undefined || change.since !== map.version) return;
    take(added(map, change));
  }

  async function meet(session: Session | undefined, subject: string): Promise<void> {
    if (session === undefined || map === undefined) {
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
    heard,
    meet,
    refresh: async (session) => {
      await refresh(session);
      void meetWaiting(session);
    },
  };
}

/** The map with who and what a change adds to it. */
function added(map: journal.UidMap, change: stream.IdentityMapChange): journal.UidMap {
  const joined = Map.groupBy(change.entries, ({ org }) => org);
  const known = new Set(map.groups.map(({ name }) => name));
  const founded = change.groups.filter(({ name }) => !known.has(name));
  const groups = [...map.groups, ...founded].map((group) => {
    const names = joined.get(group.name)?.map(({ username }) => username) ?? [];
    return names.length === 0 ? group : { ...group, members: [...group.members, ...names] };
  });
  return { ...map, version: change.version, entries: [...map.entries, ...change.entries], groups };
}

/** A journal that is away, and not one that refuses: it is asked again at the next sign-in. */
function isOutage(error: unknown): boolean {
  if (!(error instanceof ConnectError)) return true;
  return [Code.Unavailable, Code.DeadlineExceeded, Code.Canceled].includes(error.code);
}
