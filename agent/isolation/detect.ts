import type { Clock } from "../../common/clock/mod.ts";
import { CgroupError } from "../../contracts/mod.ts";
import type { Files, Processes } from "../../ffi/mod.ts";
import { createCgroupIsolation } from "./cgroup_isolation.ts";
import type { ControlFileWatcher } from "./control_file_watch.ts";
import { createCgroupManager } from "./cgroup_manager.ts";
import type { Isolation, Unavailable } from "./isolation.ts";
import { createProcessTable } from "./process_table.ts";
import { createSessionIsolation } from "./session_isolation.ts";

export interface IsolationOptions {
  readonly shim: { readonly files: Files; readonly processes: Processes };
  readonly clock: Clock;
  /** Absolute path of the cgroup v2 hierarchy (PATH-16); null where it is not pact's to write. */
  readonly cgroupRoot: string | null;
  /** Why it is not. */
  readonly reason?: string;
  /** Notices memory events as they come; without it they are found when a process ends. */
  readonly watcher?: ControlFileWatcher;
}

const NO_WATCHER: ControlFileWatcher = {
  watch: () => ({ close: () => {} }),
  close: () => {},
};

/**
 * The best isolation this node has: cgroups where the hierarchy can be written, else sessions, with
 * what is missing and why in `unavailable` (CTX-5).
 */
export async function openIsolation(options: IsolationOptions): Promise<Isolation> {
  const { files, processes } = options.shim;
  const table = createProcessTable(files, processes);
  const { cgroupRoot, reason: whyNot = "no cgroup hierarchy" } = options;
  if (cgroupRoot === null) {
    return createSessionIsolation(table, options.clock, [
      { what: "cgroup scopes of commands and sessions", reason: whyNot },
    ]);
  }
  const unavailable: Unavailable[] = [];
  const cgroups = createCgroupManager({
    tree: files,
    root: cgroupRoot,
    processes: table,
    clock: options.clock,
    onMissingController: (controller) =>
      unavailable.push({
        what: `${controller} limits`,
        reason: `cgroup controller ${controller} is not available at ${cgroupRoot}`,
      }),
  });
  try {
    await cgroups.createHierarchy();
    const { watcher = NO_WATCHER } = options;
    return createCgroupIsolation(
      { cgroups, tree: files, watcher, processes: table },
      unavailable,
    );
  } catch (error) {
    if (!(error instanceof CgroupError)) throw error;
    const reason = error.message;
    return createSessionIsolation(table, options.clock, [
      { what: "cgroup scopes", reason },
      { what: "resource limits", reason },
      {
        what: "end of processes that leave their session",
        reason: `${reason}; services are held together by their session`,
      },
    ]);
  }
}
