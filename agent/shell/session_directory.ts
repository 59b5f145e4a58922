import { type Files, isShimError } from "../../ffi/mod.ts";

/** A program that a session may run. */
export interface LinkedProgram {
  readonly name: string;
  readonly path: string;
}

/** Where the parts of a session's directory are (PATH-14). */
export interface SessionDirectory {
  readonly path: string;
  /** Links to the programs: all that PATH has. */
  readonly bin: string;
  readonly home: string;
  readonly startupFile: string;
}

/** Deepest directory that is removed with a session, below its own. */
const MAX_DEPTH = 32;

/** Makes the directory of a session; nothing of it is left when that fails. */
export function makeSessionDirectory(
  files: Files,
  path: string,
  content: { readonly programs: readonly LinkedProgram[]; readonly startupText: string },
): SessionDirectory {
  const made = {
    path,
    bin: `${path}/bin`,
    home: `${path}/home`,
    startupFile: `${path}/bashrc`,
  };
  files.mkdir(path, 0o700);
  try {
    files.mkdir(made.bin, 0o755);
    for (const { name, path } of content.programs) files.symlink(path, `${made.bin}/${name}`);
    files.chmod(made.bin, 0o555);
    files.mkdir(made.home, 0o555);
    files.writeAtomicSync(made.startupFile, content.startupText, { mode: 0o400 });
    return made;
  } catch (error) {
    removeTree(files, path);
    throw error;
  }
}

/** Makes the directory of all sessions, and removes what sessions of a former agent left in it. */
export function clearSessions(files: Files, path: string, parents: readonly string[]): void {
  for (const parent of [...parents, path]) {
    if (files.lstatIfPresent(parent) === null) files.mkdir(parent, 0o755);
  }
  for (const { name } of files.list(path)) removeTree(files, `${path}/${name}`);
}

/** Removes a file, or a directory with what is in it; links are removed, never followed. */
export function removeTree(files: Files, path: string, depth = 0): void {
  const found = files.lstatIfPresent(path);
  if (found === null) return;
  if (found.type !== "directory") return files.unlink(path);
  if (depth < MAX_DEPTH) {
    // Without it an agent that is not root could not take out what is in it.
    files.chmod(path, 0o700);
    for (const { name } of files.list(path)) removeTree(files, `${path}/${name}`, depth + 1);
  }
  try {
    files.rmdir(path);
  } catch (error) {
    if (!isShimError(error, "ENOTEMPTY")) throw error;
  }
}
