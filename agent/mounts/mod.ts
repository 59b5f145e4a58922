/**
 * Images that allocations share (contracts.md section 5): mounted once, counted, kept for a while, found
 * again by a new agent.
 *
 * @module
 */
export { createKernelMounts, type KernelMounts } from "./kernel_mounts.ts";
export { type MountLine, parseMountTable, readMountTable } from "./mount_line.ts";
export { type MountUser, mountUsers } from "./mount_users.ts";
export { type MountManagerOptions, SharedMounts } from "./mount_manager.ts";
