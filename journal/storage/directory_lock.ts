import { join } from "node:path";
import { StorageError } from "./storage_error.ts";

/** Owns one locked file; the kernel releases it with the process, however that ends. */
export interface DirectoryLock {
  /** Gives the directory back. */
  release(): void;
}

/**
 * Creates `directory` if need be (mode 0700) and takes it for this process alone, by flock(2) on a
 * file `lock` in it that holds the owner's process id.
 *
 * @throws {StorageError} `locked` when another process has it, `foreign` when it belongs to another
 * user, `io` when it cannot be made or opened.
 */
export function lockDirectory(directory: string): DirectoryLock {
  const path = join(directory, "lock");
  const file = openLockFile(directory, path);
  try {
    if (!file.tryLockSync(true)) {
      throw new StorageError(
        "locked",
        directory,
        `in use by another process${owner(path)}; stop it or choose another data directory`,
      );
    }
    file.truncateSync(0);
    file.writeSync(new TextEncoder().encode(`${Deno.pid}\n`));
  } catch (error) {
    file.close();
    throw error;
  }
  return { release: () => file.close() };
}

function openLockFile(directory: string, path: string): Deno.FsFile {
  try {
    Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
    refuseForeignOwner(directory);
    return Deno.openSync(path, { read: true, write: true, create: true, mode: 0o600 });
  } catch (error) {
    if (error instanceof StorageError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new StorageError("io", directory, `cannot be used as data directory: ${reason}`, {
      cause: error,
    });
  }
}

/**
 * Refuses a path that belongs to another user: what that user may change is no safe place for the
 * journal, and root writing there would lock its owner out.
 */
export function refuseForeignOwner(path: string): void {
  const { uid } = Deno.statSync(path);
  const own = Deno.uid();
  if (uid === null || own === null || uid === own) return;
  throw new StorageError(
    "foreign",
    path,
    `belongs to user id ${uid}, this process runs as ${own}; run it as that user or change the owner`,
  );
}

function owner(path: string): string {
  try {
    const pid = Number.parseInt(Deno.readTextFileSync(path), 10);
    return Number.isInteger(pid) ? ` (process ${pid})` : "";
  } catch {
    return "";
  }
}
