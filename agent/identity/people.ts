import type { journal } from "../../api/mod.ts";
import type { LocalAccounts } from "./local_accounts.ts";

/** A user of the identity map. */
export interface MappedUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** What passwd(5) calls the comment field: the organisation. */
  readonly gecos: string;
  readonly home: string;
  readonly shell: string;
}

/** A group of the identity map. */
export interface MappedGroup {
  readonly name: string;
  readonly gid: number;
  /** Those whose primary group is another one, as in group(5). */
  readonly members: readonly string[];
}

/** What programs on this node are to see. */
export interface People {
  readonly users: readonly MappedUser[];
  readonly groups: readonly MappedGroup[];
  /** Version of the map they are of. */
  readonly version: bigint;
  /** Entries that were left out, and why (IDM-10). */
  readonly skipped: readonly string[];
}

/** Ids below belong to the system (IDM-10). */
const LEAST_ID = 1000;
/** The last that are no "nobody" or "not changed" anywhere. */
const GREATEST_ID = 2 ** 31 - 1;
const NAME = /^[a-z_][a-z0-9_-]{0,31}$/;
/** What would break a line of passwd(5), and relative paths. */
// deno-lint-ignore no-control-regex
const PATH = /^\/[^:\x00-\x1f\x7f]{0,1023}$/;

/**
 * The people of a map as this node may see them: local accounts always win, and what no account can be
 * is left out and named (IDM-10). Sorted by name, so that equal maps give equal files.
 */
export function peopleOf(map: journal.UidMap, local: LocalAccounts): People {
  const skipped: string[] = [];
  const users = unique(map.entries.map(userOf), ({ uid }) => uid, skipped, (user) => {
    if (!PATH.test(user.home) || !PATH.test(user.shell)) return "home or shell is no plain path";
    if (!isMappedId(user.gid)) return `gid ${user.gid} is not one of the map's`;
    return collision(user.name, user.uid, local.users, local.uids);
  });
  const primary = new Map(users.map(({ name, gid }) => [name, gid]));
  const groups = unique(map.groups.map(groupOf), ({ gid }) => gid, skipped, (group) => {
    return collision(group.name, group.gid, local.groups, local.gids);
  }).map((group) => ({
    ...group,
    members: [...new Set(group.members)].sort().filter((member) =>
      NAME.test(member) && primary.get(member) !== group.gid
    ),
  }));
  return { users, groups, version: map.version, skipped };
}

function userOf({ username, uid, gid, home, shell, org }: journal.UidEntry): MappedUser {
  return { name: username, uid, gid, home, shell, gecos: NAME.test(org) ? org : "" };
}

function groupOf({ name, gid, members }: journal.GroupEntry): MappedGroup {
  return { name, gid, members };
}

function isMappedId(id: number): boolean {
  return Number.isInteger(id) && id >= LEAST_ID && id <= GREATEST_ID;
}

/** The entries that `fault` has nothing against, each name and id once, sorted by name. */
function unique<Entry extends { readonly name: string }>(
  entries: readonly Entry[],
  idOf: (entry: Entry) => number,
  skipped: string[],
  fault: (entry: Entry) => string | undefined,
): Entry[] {
  const byName = new Map<string, Entry>();
  const ids = new Set<number>();
  for (const entry of entries) {
    const twice = byName.has(entry.name) || ids.has(idOf(entry)) ? "name or id twice" : undefined;
    const why = fault(entry) ?? twice;
    if (why === undefined) {
      byName.set(entry.name, entry);
      ids.add(idOf(entry));
    } else skipped.push(`${JSON.stringify(entry.name)} (${idOf(entry)}): ${why}`);
  }
  return [...byName.values()].sort((a, b) => a.name < b.name ? -1 : 1);
}

function collision(
  name: string,
  id: number,
  names: ReadonlySet<string>,
  ids: ReadonlySet<number>,
): string | undefined {
  if (!NAME.test(name)) return "no account can have this name";
  if (!isMappedId(id)) return `${id} is not one of the map's ids`;
  if (names.has(name)) return "a local account has this name";
  return ids.has(id) ? "a local account has this id" : undefined;
}
