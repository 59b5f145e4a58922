import { parseCounterFile, parseFlatKeyed, type ResourceLimits } from "../../contracts/mod.ts";
import { isShimError } from "../../ffi/mod.ts";
import type { LinuxCgroups } from "./cgroup_manager.ts";
import type { CgroupTree } from "./cgroup_tree.ts";
import type { ControlFileWatch, ControlFileWatcher } from "./control_file_watch.ts";
import { createHousekeeping, zombieTexts } from "./housekeeping.ts";
import type { Isolation, Scope, ScopeMemory, Unavailable } from "./isolation.ts";
import type { ProcessTable } from "./process_table.ts";

/** What scopes are made with. */
export interface CgroupIsolationParts {
  readonly cgroups: LinuxCgroups;
  readonly tree: CgroupTree;
  readonly watcher: ControlFileWatcher;
  readonly processes: ProcessTable;
}

/** Scopes as cgroups: nothing a process does takes it out of its scope. */
export function createCgroupIsolation(
  parts: CgroupIsolationParts,
  unavailable: readonly Unavailable[],
): Isolation {
  const { cgroups, processes } = parts;
  return {
    get unavailable() {
      return [...unavailable, ...zombieTexts(cgroups, processes)];
    },
    housekeeping: createHousekeeping(cgroups, processes),
    open: async (slice, name, limits) =>
      new CgroupScope(parts, (await parts.cgroups.createScope(slice, name, limits)).path),
    adopt: (id) => new CgroupScope(parts, id),
  };
}

class CgroupScope implements Scope {
  readonly id: string;
  readonly cgroupDirectory: string;
  readonly #cgroups: LinuxCgroups;
  readonly #tree: CgroupTree;
  readonly #watcher: ControlFileWatcher;

  constructor({ cgroups, tree, watcher }: CgroupIsolationParts, path: string) {
    this.id = path;
    this.#cgroups = cgroups;
    this.#tree = tree;
    this.#watcher = watcher;
    this.cgroupDirectory = cgroups.directoryOf({ path });
  }

  hold(): void {}

  contains(pid: number): boolean {
    return this.#cgroups.pidsOf({ path: this.id }).includes(pid);
  }

  setLimits(limits: ResourceLimits): void {
    this.#cgroups.setLimits({ path: this.id }, limits);
  }

  oomKills(): bigint {
    return parseFlatKeyed(this.#read("memory.events"), "oom_kill") ?? 0n;
  }

  onMemoryEvent(listener: () => void): ControlFileWatch {
    try {
      return this.#watcher.watch(`${this.cgroupDirectory}/memory.events`, listener);
    } catch (error) {
      // Without the controller, or at the limit of watches: kills are counted when a process ends.
      if (isShimError(error)) return { close: () => {} };
      throw error;
    }
  }

  memory(): ScopeMemory {
    return {
      maxBytes: parseCounterFile(this.#read("memory.max")),
      peakBytes: parseCounterFile(this.#read("memory.peak")),
    };
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
