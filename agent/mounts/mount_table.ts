import type { Files } from "../../ffi/mod.ts";
import { isShimError } from "../../ffi/mod.ts";

/** An image that is mounted, as the kernel shows it. */
export interface MountedImage {
  readonly mountPoint: string;
  /** Real path of the image file; that of the device where it cannot be told any more. */
  readonly image: string;
}

const MAX_TABLE_BYTES = 16 * 2 ** 20;
const MAX_PATH_BYTES = 4_096;
const IMAGE_TYPE = "squashfs";

/** The images mounted below `base`, by the mount table and the loop devices (MT-6). */
export function mountedImages(files: Pick<Files, "readText">, base: string): MountedImage[] {
  const table = files.readText("/proc/self/mountinfo", { maxBytes: MAX_TABLE_BYTES });
  return parseMountInfo(table)
    .filter(({ mountPoint, type }) => type === IMAGE_TYPE && mountPoint.startsWith(`${base}/`))
    .map(({ mountPoint, source }) => ({ mountPoint, image: backingFile(files, source) }));
}

/** One line of the mount table. */
export interface MountLine {
  readonly mountPoint: string;
  readonly type: string;
  readonly source: string;
}

/**
 * Reads the text of /proc/PID/mountinfo (proc_pid_mountinfo(5)).
 *
 * ```ts
 * import { parseMountInfo } from "./mount_table.ts";
 *
 * const line = "36 35 7:0 / /run/a\\040b ro,nosuid shared:1 - squashfs /dev/loop0 ro";
 * const [mount] = parseMountInfo(line);
 * if (mount?.mountPoint !== "/run/a b" || mount.type !== "squashfs") throw new Error();
 * ```
 */
export function parseMountInfo(text: string): MountLine[] {
  return text.split("\n").flatMap((line) => {
    const [place = "", system = ""] = line.split(" - ");
    const mountPoint = place.split(" ")[4];
    const [type, source] = system.split(" ");
    if (mountPoint === undefined || type === undefined || source === undefined) return [];
    return [{ mountPoint: unescape(mountPoint), type, source: unescape(source) }];
  });
}

/** Blanks and their like stand there as \ooo. */
function unescape(text: string): string {
  return text.replace(
    /\\([0-3][0-7]{2})/g,
    (_, digits) => String.fromCharCode(parseInt(digits, 8)),
  );
}

function backingFile(files: Pick<Files, "readText">, device: string): string {
  const name = /^\/dev\/(loop[0-9]+)$/.exec(device)?.[1];
  if (name === undefined) return device;
  try {
    const path = `/sys/block/${name}/loop/backing_file`;
    return files.readText(path, { maxBytes: MAX_PATH_BYTES }).trimEnd();
  } catch (error) {
    if (isShimError(error)) return device;
    throw error;
  }
}
