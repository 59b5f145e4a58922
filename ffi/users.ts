import { cText, textsOf } from "./memory.ts";
import { check, isShimError } from "./shim_error.ts";
import type { Library } from "./symbols.ts";

/** A user of the system's name service. */
export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
  /** All groups, `gid` included. */
  readonly groups: readonly number[];
}

/** Names to ids. Both wait on another thread, since NSS may ask a directory service; null when there
 * is no such name. */
export interface Users {
  user(name: string): Promise<User | null>;
  group(name: string): Promise<number | null>;
}

const TEXT_BYTES = 8192;
const MAX_GROUPS = 65536;

async function nullIfAbsent<T>(lookup: Promise<T>): Promise<T | null> {
  try {
    return await lookup;
  } catch (error) {
    if (isShimError(error, "ENOENT")) return null;
    throw error;
  }
}

/** The users of one loaded shim. */
export function createUsers(library: Library): Users {
  async function groupsOf(name: string, gid: number): Promise<number[]> {
    const cName = cText(name, "getgrouplist");
    const gids = new Uint32Array(MAX_GROUPS);
    const result = await library.pact_shim_groups_of(cName, gid, gids, gids.length);
    return [...gids.subarray(0, check(result, "getgrouplist", name))];
  }

  async function user(name: string): Promise<User> {
    const cName = cText(name, "getpwnam");
    const ids = new Uint32Array(2);
    const texts = new Uint8Array(TEXT_BYTES);
    const result = await library.pact_shim_user(cName, ids, texts, texts.byteLength);
    const used = check(result, "getpwnam", name);
    const [home = "/", shell = ""] = textsOf(texts.subarray(0, used));
    const [uid = 0, gid = 0] = ids;
    return { name, uid, gid, home, shell, groups: await groupsOf(name, gid) };
  }

  async function group(name: string): Promise<number> {
    const cName = cText(name, "getgrnam");
    const gid = new Uint32Array(1);
    check(await library.pact_shim_group(cName, gid), "getgrnam", name);
    return gid[0] ?? 0;
  }

  return { user: (name) => nullIfAbsent(user(name)), group: (name) => nullIfAbsent(group(name)) };
}
