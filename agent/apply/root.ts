import { dirname } from "node:path/posix";
import { type Files, isShimError } from "../../ffi/mod.ts";

/** Where a declared path lies below the root prefix: `/` on a node, a directory in development. */
export function underRoot(root: string, path: string): string {
  return root === "/" || root === "" ? path : root.replace(/\/+$/, "") + path;
}

/** Makes the missing directories above a path, each with mode 0755. Throws ShimError. */
export function makeParents(files: Files, path: string): void {
  const missing: string[] = [];
  for (let at = dirname(path); files.lstatIfPresent(at) === null; at = dirname(at)) {
    missing.push(at);
  }
  for (const directory of missing.reverse()) {
    try {
      files.mkdir(directory, 0o755);
    } catch (error) {
      if (!isShimError(error, "EEXIST")) throw error;
    }
  }
}

/** Whether an error means that this process may not, rather than that something went wrong. */
export function isRefusal(error: unknown): boolean {
  return isShimError(error, "EACCES", "EPERM", "EROFS");
}

/** What to tell about an error of the shim, without the path that the item names anyway. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
