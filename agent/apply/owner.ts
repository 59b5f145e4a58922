import type { Users } from "../../ffi/mod.ts";

/** Ids that a declared owner stands for; an absent one is left as it is. */
export interface OwnerIds {
  readonly uid?: number;
  readonly gid?: number;
}

/** The ids of an owner, or why there are none. */
export type OwnerLookup =
  | { readonly ok: true; readonly ids: OwnerIds }
  | { readonly ok: false; readonly reason: string };

const OWNER = /^([A-Za-z0-9_][A-Za-z0-9_.@-]*\$?|\d+)?(?::([A-Za-z0-9_][A-Za-z0-9_.@-]*|\d+))?$/;
const LARGEST_ID = 0xffff_fffe;

/** Resolves `USER`, `USER:GROUP` or `:GROUP`, names or numbers. */
export async function lookUpOwner(users: Users, owner: string): Promise<OwnerLookup> {
  const parts = OWNER.exec(owner);
  if (parts === null || owner === "") return { ok: false, reason: `malformed owner ${owner}` };
  const [, user, group] = parts;
  const uid = await idOf(user, async (name) => (await users.user(name))?.uid);
  const gid = await idOf(group, async (name) => await users.group(name) ?? undefined);
  if (uid === null) return { ok: false, reason: `unknown user ${user}` };
  if (gid === null) return { ok: false, reason: `unknown group ${group}` };
  return {
    ok: true,
    ids: { ...(uid !== undefined && { uid }), ...(gid !== undefined && { gid }) },
  };
}

async function idOf(
  text: string | undefined,
  byName: (name: string) => Promise<number | undefined>,
): Promise<number | null | undefined> {
  if (text === undefined || text === "") return undefined;
  if (/^\d+$/.test(text)) return Number(text) <= LARGEST_ID ? Number(text) : null;
  return await byName(text) ?? null;
}
