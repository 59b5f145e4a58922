import { dirname } from "node:path";
import { type Files, isShimError } from "../../ffi/mod.ts";

/** A program that PID 1 must not be led to; its message is for the admin. */
export class UpgradeError extends Error {
  override readonly name = "UpgradeError";
}

const OTHERS_MAY_WRITE = 0o022;
const MAY_EXECUTE = 0o111;

/**
 * Leads `link`, which PID 1 starts after an upgrade, to another program, or takes it away for the one
 * that is installed. Nobody but root may be able to change the program or what is above it.
 *
 * @throws {UpgradeError} naming what is wrong with it
 */
export function chooseAgent(files: Files, link: string, program: string | undefined): void {
  if (program === undefined) return removeIfPresent(files, link);
  if (!program.startsWith("/")) throw new UpgradeError(`${program} is no absolute path`);
  const real = resolved(files, program);
  requireRootsOwn(files, real, "file");
  if ((files.stat(real).mode & MAY_EXECUTE) === 0) {
    throw new UpgradeError(`${real}: not executable`);
  }
  for (let above = dirname(real); above !== "/"; above = dirname(above)) {
    requireRootsOwn(files, above, "directory");
  }
  // The name that was given, so that a version can be exchanged behind it.
  const next = `${link}.new`;
  removeIfPresent(files, next);
  files.symlink(program, next);
  files.rename(next, link);
}

function resolved(files: Files, path: string): string {
  try {
    return files.realPath(path);
  } catch (error) {
    if (!isShimError(error)) throw error;
    throw new UpgradeError(error.message);
  }
}

function requireRootsOwn(files: Files, path: string, wanted: "file" | "directory"): void {
  const { type, mode, uid } = files.stat(path);
  if (type !== wanted) throw new UpgradeError(`${path} is no ${wanted}`);
  if (uid !== 0) throw new UpgradeError(`${path} is not root's`);
  if ((mode & OTHERS_MAY_WRITE) !== 0) throw new UpgradeError(`${path} may be changed by others`);
}

function removeIfPresent(files: Files, path: string): void {
  if (files.lstatIfPresent(path) !== null) files.unlink(path);
}
