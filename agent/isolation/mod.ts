/**
 * Keeps the processes of a service or command together: cgroup scopes where there are any, sessions
 * elsewhere (contracts.md 3, agent.md 6).
 *
 * @module
 */
export {
  type CgroupManagerOptions,
  createCgroupManager,
  type LinuxCgroups,
  SESSION_SLICE,
} from "./cgroup_manager.ts";
export type { CgroupTree } from "./cgroup_tree.ts";
export {
  type ControlFileWatch,
  type ControlFileWatcher,
  openControlFileWatcher,
} from "./control_file_watch.ts";
export { type IsolationOptions, openIsolation } from "./detect.ts";
export type {
  Housekeeping,
  Isolation,
  Scope,
  ScopeMemory,
  StrayProcess,
  Unavailable,
} from "./isolation.ts";
export { createProcessTable, type ProcessEntry, type ProcessTable } from "./process_table.ts";
