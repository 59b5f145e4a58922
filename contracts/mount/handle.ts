/** Where a shared image is mounted (MT-1, MT-2, MT-9). */
import { createHash } from "node:crypto";
import type { JsonObject, JsonValue } from "../json.ts";
import { JsonReader } from "../json_reader.ts";
import { MountError } from "./error.ts";

/** MT-1: how long an unused mount is kept, in seconds. */
export const DEFAULT_HOLD_TIME_SECS = 60;
/** MT-1: the longest hold time that may be configured. */
export const MAX_HOLD_TIME_SECS = 86_400;

/** An image and where it is mounted. */
export interface MountHandle {
  readonly imagePath: string;
  readonly mountPoint: string;
}

/** More files than this of one base name are not mounted side by side. */
const MAX_SAME_NAME = 64;

/**
 * The handle of an image (MT-2): the base name without its suffix below `base`, and with the
 * first 8 hex digits of the real path's SHA-256 when another image has that mount point. A file
 * replaced while mounted (MT-9) has the same real path, so further mount points of one path hash
 * a counter with it.
 *
 * ```ts
 * import { mountHandle } from "./handle.ts";
 *
 * const handle = mountHandle("/run/pact/uenv", "/images/pytorch-2.5.sqfs");
 * if (handle.mountPoint !== "/run/pact/uenv/pytorch-2.5") throw new Error(handle.mountPoint);
 * ```
 *
 * @param base UENV_MOUNT_BASE, from the node's paths
 * @param imagePath as requested
 * @param realPath after links were resolved
 * @param taken mount points that belong to other images
 * @throws {MountError} `MountFailed` when the path has no base name that can be a directory
 */
export function mountHandle(
  base: string,
  imagePath: string,
  realPath: string = imagePath,
  taken: ReadonlySet<string> = new Set(),
): MountHandle {
  const name = baseName(imagePath);
  if (name === "" || name === "." || name === ".." || name.includes("\0")) {
    throw new MountError({ kind: "MountFailed", imagePath, reason: "no usable image name" });
  }
  const plain = `${base}/${name}`;
  if (!taken.has(plain)) return { imagePath, mountPoint: plain };
  for (let round = 0; round < MAX_SAME_NAME; round++) {
    const mountPoint = `${plain}-${digest(round === 0 ? realPath : `${realPath}\n${round}`)}`;
    if (!taken.has(mountPoint)) return { imagePath, mountPoint };
  }
  throw new MountError({ kind: "MountFailed", imagePath, reason: "too many images of this name" });
}

function baseName(path: string): string {
  const last = path.slice(path.lastIndexOf("/") + 1);
  return last.replace(/\.(?:sqfs|squashfs)$/, "");
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}

/** The JSON form of a handle, as `mountHandleFromJson` reads it. */
export function mountHandleToJson(handle: MountHandle): JsonObject {
  return { image_path: handle.imagePath, mount_point: handle.mountPoint };
}

/** @throws {JsonError} when a member is missing or has the wrong type */
export function mountHandleFromJson(value: JsonValue): MountHandle {
  const reader = new JsonReader(value, "mount");
  return { imagePath: reader.text("image_path"), mountPoint: reader.text("mount_point") };
}
