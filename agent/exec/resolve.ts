import type { Files, FileStat } from "../../ffi/mod.ts";

/** Where commands are looked for (WHL-5). */
export const SEARCH_PATH: readonly string[] = [
  "/usr/local/bin",
  "/usr/bin",
  "/bin",
  "/usr/local/sbin",
  "/usr/sbin",
  "/sbin",
];

export type ResolvedBinary =
  | { readonly kind: "found"; readonly path: string }
  | { readonly kind: "absent"; readonly reason: string };

type Lookup = Pick<Files, "lstatIfPresent" | "readlink">;

/** Linux follows no more than this in one path (path_resolution(7)). */
const MAX_LINKS = 40;

/**
 * The program behind a name: the first of the search path that only root can change. Its own name
 * is kept, links followed only for the check, since some programs act by the name they are run as.
 */
export function resolveBinary(
  name: string,
  files: Lookup,
  searchPath: readonly string[] = SEARCH_PATH,
): ResolvedBinary {
  let reason = `command not installed: ${name}`;
  for (const directory of searchPath) {
    const path = `${directory}/${name}`;
    const real = realPath(path, files);
    const stat = files.lstatIfPresent(real);
    if (stat === null || stat.type !== "file" || (stat.mode & 0o111) === 0) continue;
    if (isOnlyRoots(stat)) return { kind: "found", path };
    reason = `command not installed: ${name} (${real} can be changed by others than root)`;
  }
  return { kind: "absent", reason };
}

/**
 * The path with every link followed. What is not there ends the following, and what leads in a
 * circle is answered as it stands.
 */
export function realPath(path: string, files: Lookup): string {
  let done = "";
  let links = 0;
  const todo = path.split("/").filter((part) => part !== "");
  while (todo.length > 0) {
    const part = todo.shift() ?? "";
    if (part === ".") continue;
    if (part === "..") {
      done = done.slice(0, Math.max(0, done.lastIndexOf("/")));
      continue;
    }
    const here = `${done}/${part}`;
    const target = links < MAX_LINKS ? linkTarget(here, files) : null;
    if (target === null) {
      done = here;
      continue;
    }
    links++;
    if (target.startsWith("/")) done = "";
    todo.unshift(...target.split("/").filter((each) => each !== ""));
  }
  return done === "" ? "/" : done;
}

function linkTarget(path: string, files: Lookup): string | null {
  try {
    return files.lstatIfPresent(path)?.type === "symlink" ? files.readlink(path) : null;
  } catch {
    // Unreadable for us is unreadable for the check: the path stands as it is.
    return null;
  }
}

function isOnlyRoots({ uid, gid, mode }: FileStat): boolean {
  return uid === 0 && (mode & 0o002) === 0 && ((mode & 0o020) === 0 || gid === 0);
}
