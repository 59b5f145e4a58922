/** The accounts of the node itself, which the map never covers (IDM-10). */
export interface LocalAccounts {
  readonly users: ReadonlySet<string>;
  readonly uids: ReadonlySet<number>;
  readonly groups: ReadonlySet<string>;
  readonly gids: ReadonlySet<number>;
}

/** Reads the texts of /etc/passwd and /etc/group. */
export function localAccounts(passwd: string, group: string): LocalAccounts {
  const users = accountsOf(passwd);
  const groups = accountsOf(group);
  return { users: users.names, uids: users.ids, groups: groups.names, gids: groups.ids };
}

/** Both files begin their lines with name, password and id. */
function accountsOf(text: string): { names: Set<string>; ids: Set<number> } {
  const names = new Set<string>();
  const ids = new Set<number>();
  for (const line of text.split("\n")) {
    const [name, , id] = line.split(":");
    if (!name || id === undefined) continue;
    names.add(name);
    ids.add(Number(id));
  }
  return { names, ids };
}
