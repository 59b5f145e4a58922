import type { MountItemValue } from "./item.ts";

/** One line of the mount table, as far as it makes the value of an item. */
interface Mount {
  readonly root: string;
  readonly fsType: string;
  readonly source: string;
  readonly options: string;
  readonly superOptions: string;
}

/** Options of mount(8) that are for the programs around it, and leave no trace in the kernel. */
const USERSPACE =
  /^(?:x-.*|defaults|auto|noauto|user|nouser|users|group|owner|nofail|_.*|comment=.*)$/;

/** A mount as an item: its own options and those of its file system, without `rw` and `ro`. */
export function mountValue({ root, fsType, source, options, superOptions }: Mount): MountItemValue {
  const all = [...options.split(","), ...superOptions.split(",")];
  const shown = all.filter((option) => option !== "" && option !== "rw" && option !== "ro");
  return {
    kind: "mount",
    fsType,
    // A part of a file system, in the words of findmnt(8).
    source: root === "/" ? source : `${source}[${root}]`,
    options: [...new Set(shown)].join(","),
    readOnly: all.includes("ro"),
  };
}

/** What of a mount's options is flags of the kernel, and what is for the file system itself. */
export interface SplitOptions {
  /** In the kernel's words, `noexec` and the like. */
  readonly flags: ReadonlySet<MountFlag>;
  readonly data: readonly string[];
}

/** Options that every file system knows. */
export const MOUNT_FLAGS = [
  "nosuid",
  "nodev",
  "noexec",
  "noatime",
  "nodiratime",
  "relatime",
  "nosymfollow",
  "sync",
  "dirsync",
  "lazytime",
] as const;
export type MountFlag = typeof MOUNT_FLAGS[number];

/** Their opposites, which are what a mount has without them. */
const DEFAULTS: ReadonlySet<string> = new Set(
  ["suid", "dev", "exec", "atime", "diratime", "async", "symfollow", "nolazytime", "rw", "ro"],
);

/**
 * Tells the flags of a mount from what is for its file system.
 *
 * ```ts
 * import { splitOptions } from "./mount_options.ts";
 * import assert from "node:assert/strict";
 *
 * const { flags, data } = splitOptions("nosuid,noatime,size=1g,x-systemd.automount,nofail");
 * assert.deepEqual([...flags], ["nosuid", "noatime"]);
 * assert.deepEqual(data, ["size=1g"]);
 * ```
 */
export function splitOptions(options: string): SplitOptions {
  const flags = new Set<MountFlag>();
  const data: string[] = [];
  for (const option of options.split(",")) {
    const flag = MOUNT_FLAGS.find((known) => known === option);
    if (flag !== undefined) flags.add(flag);
    else if (option !== "" && !DEFAULTS.has(option) && !USERSPACE.test(option)) data.push(option);
  }
  return { flags, data };
}

/**
 * Whether a mount is as it is declared. The kernel has its own words for what a file system was told, so
 * that only type, source, `ro` and flags are held against the declaration.
 */
export function isMountedAs(declared: MountItemValue, actual: MountItemValue): boolean {
  if (declared.fsType !== actual.fsType || declared.source !== actual.source) return false;
  const isReadOnly = declared.readOnly || declared.options.split(",").includes("ro");
  if (isReadOnly !== actual.readOnly) return false;
  const { flags } = splitOptions(actual.options);
  return [...splitOptions(declared.options).flags].every((flag) => flags.has(flag));
}
