import project from "../../../deno.json" with { type: "json" };
import { DEVELOPMENT_LIBRARY } from "../../../ffi/mod.ts";
import { repositoryRoot } from "../spawn_deno.ts";

/** One kind of a permission set: granted whole, or for the listed names. */
type Grant = boolean | readonly string[] | undefined;

const sets: Readonly<Record<string, Readonly<Record<string, Grant>>>> = project.permissions;

/**
 * The flags that run a program with permission set `name` moved below `root`: what the set allows of
 * `/etc/pact` the flags allow of `root/etc/pact`. A flag replaces its whole kind of the set, so
 * nothing of the installed paths stays allowed. Relative paths are the program's own modules, below
 * `programs`. The library is the one built in the working copy.
 *
 * @throws Error when deno.json has no such set.
 */
export function relocatedPermissions(
  name: string,
  root: string,
  programs: string = repositoryRoot,
): string[] {
  const set = sets[name];
  if (set === undefined) throw new Error(`deno.json has no permission set "${name}"`);
  const paths = (["read", "write"] as const).flatMap((kind) => {
    const grant = set[kind];
    if (!Array.isArray(grant)) return [];
    return [`--allow-${kind}=${grant.map((path) => movedPath(path, root, programs)).join(",")}`];
  });
  const library = Array.isArray(set["ffi"])
    ? [`--allow-ffi=${repositoryRoot}${DEVELOPMENT_LIBRARY}`]
    : [];
  return [`-P=${name}`, ...paths, ...library];
}

function movedPath(path: string, root: string, programs: string): string {
  return path.startsWith("/") ? `${root}${path}` : `${programs}${path.replace(/^\.\//, "")}`;
}
