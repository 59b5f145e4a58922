import type { Files } from "../../ffi/mod.ts";

/** One line of /proc/PID/mountinfo (proc(5)), as far as it matters. */
export interface MountLine {
  readonly id: number;
  readonly mountPoint: string;
  /** What of the file system is mounted: `/` for the whole. */
  readonly root: string;
  readonly options: string;
  readonly fsType: string;
  readonly source: string;
  readonly superOptions: string;
}

/** Most lines taken; a table beyond that is cut, and scans see the rest. */
const MAX_LINES = 65_536;

/**
 * The mount table in the kernel's words; lines that are none are left out.
 *
 * ```ts
 * import { parseMountTable } from "./mount_line.ts";
 *
 * const [line] = parseMountTable("36 35 98:0 / /mnt\\040a rw,noatime - ext4 /dev/sda rw\n");
 * if (line?.mountPoint !== "/mnt a" || line.fsType !== "ext4") throw line;
 * ```
 */
export function parseMountTable(text: string): MountLine[] {
  return text.split("\n", MAX_LINES).flatMap((line) => {
    const fields = line.split(" ");
    const separator = fields.indexOf("-", 6);
    const [id, , , root, mountPoint, options] = fields;
    const [fsType, source, superOptions] = fields.slice(separator + 1);
    if (separator < 0 || mountPoint === undefined || root === undefined) return [];
    if (options === undefined || fsType === undefined || source === undefined) return [];
    return {
      id: Number(id),
      mountPoint: unescaped(mountPoint),
      root: unescaped(root),
      options,
      fsType,
      source: unescaped(source),
      superOptions: superOptions ?? "",
    };
  });
}

const MAX_TABLE_BYTES = 16 * 2 ** 20;

/** The mount table of this process's namespace. Throws ShimError. */
export function readMountTable(files: Pick<Files, "readText">): MountLine[] {
  return parseMountTable(files.readText("/proc/self/mountinfo", { maxBytes: MAX_TABLE_BYTES }));
}

/** Blank, tab, newline and backslash stand there in octal. */
function unescaped(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_all, octal) => String.fromCharCode(parseInt(octal, 8)));
}
