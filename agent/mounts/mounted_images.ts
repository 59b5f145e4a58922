import type { Files } from "../../ffi/mod.ts";
import { isShimError } from "../../ffi/mod.ts";
import { readMountTable } from "./mount_line.ts";

/** An image that is mounted, as the kernel shows it. */
export interface MountedImage {
  readonly mountPoint: string;
  /** Real path of the image file; that of the device where it cannot be told any more. */
  readonly image: string;
}

const MAX_PATH_BYTES = 4_096;
const IMAGE_TYPE = "squashfs";

/** The images mounted below `base`, by the mount table and the loop devices (MT-6). */
export function mountedImages(files: Pick<Files, "readText">, base: string): MountedImage[] {
  return readMountTable(files)
    .filter(({ mountPoint, fsType }) => fsType === IMAGE_TYPE && mountPoint.startsWith(`${base}/`))
    .map(({ mountPoint, source }) => ({ mountPoint, image: backingFile(files, source) }));
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
