import { parseFlatKeyed, type ResourceLimits } from "../../contracts/mod.ts";
import type { LinuxCgroups } from "./cgroup_manager.ts";
import type { CgroupTree } from "./cgroup_tree.ts";
import type { Isolation, Scope, Unavailable } from "./isolation.ts";

/** Scopes as cgroups: nothing a process does takes it out of its scope. */
export function createCgroupIsolation(
  cgroups: LinuxCgroups,
  tree: CgroupTree,
  unavailable: readonly Unavailable[],
): Isolation {
  return {
    unavailable,
    open: async (slice, name, limits) =>
      new CgroupScope(cgroups, tree, (await cgroups.createScope(slice, name, limits)).path),
    adopt: (id) => new CgroupScope(cgroups, tree, id),
  };
}

class CgroupScope implements Scope {
  readonly id: string;
  readonly cgroupDirectory: string;
  readonly #cgroups: LinuxCgroups;
  readonly #tree: CgroupTree;

  constructor(cgroups: LinuxCgroups, tree: CgroupTree, path: string) {
    this.id = path;
    this.#cgroups = cgroups;
    this.#tree = tree;
    this.cgroupDirectory = cgroups.directoryOf({ path });
  }

  hold(): void {}

  contains(pid: number): boolean {
    return this.#read("cgroup.procs").split("\n").includes(String(pid));
  }

  setLimits(limits: ResourceLimits): void {
    this.#cgroups.setLimits({ path: this.id }, limits);
  }

  oomKills(): bigint {
    return parseFlatKeyed(this.#read("memory.events"), "oom_kill") ?? 0n;
  }

  sweep(): void {
    this.#cgroups.killAll({ path: this.id });
  }

  clear(): Promise<void> {
    return this.#cgroups.destroyScope({ path: this.id });
  }

  #read(file: string): string {
    const path = `${this.cgroupDirectory}/${file}`;
    if (this.#tree.lstatIfPresent(path) === null) return "";
    return this.#tree.readText(path, { maxBytes: 4 * 1024 * 1024 });
  }
}
