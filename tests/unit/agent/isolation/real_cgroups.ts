/** What the tests of cgroups need. */
export const WRITABLE_CGROUP2 = "a cgroup2 hierarchy it may write to";

/** Where this machine has a cgroup v2 that can be written; undefined where it has none. */
export function writableCgroup2(): string | undefined {
  for (const line of Deno.readTextFileSync("/proc/mounts").split("\n")) {
    const [, mountPoint, type, options] = line.split(" ");
    if (type !== "cgroup2" || !options?.startsWith("rw") || mountPoint === undefined) continue;
    const root = `${mountPoint}/pact-test-${crypto.randomUUID().slice(0, 8)}`;
    try {
      Deno.mkdirSync(root);
      Deno.removeSync(root);
      return root;
    } catch {
      continue;
    }
  }
  return undefined;
}

/** Removes a cgroup with all below it; they must be empty. */
export function removeCgroups(directory: string): void {
  for (const { name, isDirectory } of Deno.readDirSync(directory)) {
    if (isDirectory) removeCgroups(`${directory}/${name}`);
  }
  Deno.removeSync(directory);
}
