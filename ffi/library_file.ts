import { dirname, isAbsolute } from "node:path";

/** Why a library was not loaded. */
export class ShimLoadError extends Error {
  override readonly name = "ShimLoadError";
  constructor(readonly path: string, reason: string) {
    super(`cannot load the native library ${path}: ${reason}`);
  }
}

const WRITABLE_BY_OTHERS = 0o022;

/** Ownership of a file or directory, as far as trusting it goes. */
export interface Ownership {
  readonly uid: number | null;
  readonly mode: number | null;
}

/** Why code must not be loaded from there, or null: only root may be able to change it. */
export function distrustOf(what: string, { uid, mode }: Ownership): string | null {
  if (uid !== 0) return `${what} belongs to user ${uid}, not to root`;
  if (mode === null || (mode & WRITABLE_BY_OTHERS) !== 0) {
    return `${what} is writable by others than root`;
  }
  return null;
}

/**
 * Refuses a library that anyone but root could replace: not absolute, a symlink, not a plain file, or
 * it or its directory owned or writable by others. Needs permission to read the directory. Throws
 * ShimLoadError.
 */
export function assertProductionFile(path: string): void {
  if (!isAbsolute(path)) throw new ShimLoadError(path, "the path is not absolute");
  const directory = dirname(path);
  for (const checked of [path, directory]) {
    const info = lstat(path, checked);
    if (info.isSymlink) throw new ShimLoadError(path, `${checked} is a symlink`);
    if (checked === path && !info.isFile) throw new ShimLoadError(path, "it is not a plain file");
    const distrust = distrustOf(checked, info);
    if (distrust !== null) throw new ShimLoadError(path, distrust);
  }
}

function lstat(path: string, checked: string): Deno.FileInfo {
  try {
    return Deno.lstatSync(checked);
  } catch (error) {
    const reason = error instanceof Deno.errors.NotFound
      ? "no such file"
      : error instanceof Error
      ? error.message
      : String(error);
    throw new ShimLoadError(path, checked === path ? reason : `${checked}: ${reason}`);
  }
}
