import { join } from "node:path";
import { StorageError } from "./storage_error.ts";

const FILE_NAME = "directory_id";

/** Whether `text` is what {@link directoryIdOf} draws. */
export function isDirectoryId(text: string): boolean {
  return /^[0-9a-f]{32}$/.test(text);
}

/**
 * Who a data directory is: drawn at random when the directory is first used, and durable before
 * anything is promised on the strength of what is in it (JRN-64). A member that lost its data comes
 * back with another one, and is told apart from itself by it.
 *
 * @throws {StorageError} `corrupt` when the file holds something else, `io` when it cannot be had.
 */
export function directoryIdOf(dataDir: string): string {
  const path = join(dataDir, FILE_NAME);
  const known = read(path);
  if (known === undefined) return draw(dataDir, path);
  const id = known.trimEnd();
  if (isDirectoryId(id)) return id;
  throw new StorageError(
    "corrupt",
    path,
    "does not hold 32 hexadecimal digits, by which the quorum knows this data directory; restore the file, or remove this member and add one with an empty data directory under another id",
  );
}

function read(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw unusable(path, error);
  }
}

function draw(dataDir: string, path: string): string {
  const id = crypto.getRandomValues(new Uint8Array(16)).toHex();
  try {
    const next = `${path}.new`;
    using file = Deno.openSync(next, { write: true, create: true, truncate: true, mode: 0o600 });
    file.writeSync(new TextEncoder().encode(`${id}\n`));
    file.syncSync();
    Deno.renameSync(next, path);
    using directory = Deno.openSync(dataDir);
    directory.syncSync();
  } catch (error) {
    throw unusable(path, error);
  }
  return id;
}

function unusable(path: string, cause: unknown): StorageError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new StorageError("io", path, `cannot be read or written: ${reason}`, { cause });
}
