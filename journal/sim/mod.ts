/**
 * The simulator of a quorum: disks that lose what was not synced.
 *
 * @module
 */
export { type DiskFault, SimulatedDisk } from "./simulated_disk.ts";
export type { Random } from "./simulated_file.ts";
