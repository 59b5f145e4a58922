/**
 * What the journal's storage asks of a file system: the interface and the real one.
 *
 * @module
 */
export type { Disk, SyncingDisk } from "./disk.ts";
export { openDisk } from "./real_disk.ts";
