import { type Files, isShimError } from "../../ffi/mod.ts";

/** A process that a mount cannot be taken away from. */
export interface MountUser {
  readonly pid: number;
  readonly comm: string;
  readonly uid: number;
}

const LINKS = ["cwd", "root", "exe"];
/** Most processes named; one is enough to stand against an unmount. */
const MAX_USERS = 20;
const MAX_PROCESSES = 65_536;
const MAX_DESCRIPTORS = 4_096;
const MAX_COMM_BYTES = 64;

/** Processes that stand in a mount, run a program of it or have a file of it open (RBK-3). */
export function mountUsers(
  files: Pick<Files, "list" | "lstatIfPresent" | "readlink" | "readText">,
  mountPoint: string,
): MountUser[] {
  const users: MountUser[] = [];
  const isBelow = (path: string) => path === mountPoint || path.startsWith(`${mountPoint}/`);
  for (const { name } of files.list("/proc").slice(0, MAX_PROCESSES)) {
    if (!/^[0-9]+$/.test(name)) continue;
    if (users.length >= MAX_USERS) break;
    const user = orGone(() => {
      const process = `/proc/${name}`;
      const open = files.list(`${process}/fd`).slice(0, MAX_DESCRIPTORS);
      const links = [...LINKS, ...open.map((entry) => `fd/${entry.name}`)];
      const isUser = links.some((link) =>
        orGone(() => isBelow(files.readlink(`${process}/${link}`))) === true
      );
      const uid = isUser ? files.lstatIfPresent(process)?.uid : undefined;
      if (uid === undefined) return undefined;
      const comm = files.readText(`${process}/comm`, { maxBytes: MAX_COMM_BYTES }).trim();
      return { pid: Number(name), comm, uid };
    });
    if (user !== undefined) users.push(user);
  }
  return users;
}

/** Processes end while they are looked at, and kernel threads have no files. */
function orGone<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    if (isShimError(error)) return undefined;
    throw error;
  }
}
