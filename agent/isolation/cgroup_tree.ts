import type { Files } from "../../ffi/mod.ts";

/** The file operations a cgroup hierarchy is driven with; paths are absolute. */
export type CgroupTree = Pick<
  Files,
  "readText" | "writeExisting" | "mkdir" | "rmdir" | "list" | "lstatIfPresent"
>;
