import type { Files } from "../../ffi/mod.ts";
import { sha256Hex } from "./file_reader.ts";
import { isRefusal, makeParents } from "./root.ts";

/** Limits of what is kept (RBK-2). */
export const BACKUP_TOTAL_MAX_BYTES = 16 * 1024 * 1024;
/** How long a copy is kept (RBK-2). */
export const BACKUP_KEPT_MS = 24 * 3_600_000;

/** Copies of files that a rollback overwrites, so that an administrator can get his work back. */
export interface Backups {
  /**
   * Keeps a copy and tells where: the path of the copy, or `sha256:HASH` when it would be too much
   * (RBK-2). Undefined when the file cannot be read or the copy not be written.
   */
  keep(path: string, content: Uint8Array): string | undefined;
  /** Removes what is older than a day; called with every `keep`, and at start. */
  expire(): void;
}

/** Keeps copies in one directory, which only the agent may read. */
export function createBackups(options: {
  readonly files: Files;
  readonly directory: string;
  readonly wallMs: () => number;
}): Backups {
  const { files, directory, wallMs } = options;
  let lastMs = 0;

  /** Names begin with the time, so that age and order can be read off them. */
  const copies = () => {
    if (files.lstatIfPresent(directory) === null) return [];
    return files.list(directory).flatMap(({ name }) => {
      const keptMs = Number(name.slice(0, 13));
      if (!/^\d{13}-/.test(name)) return [];
      const path = `${directory}/${name}`;
      return [{ path, keptMs, sizeBytes: files.lstat(path).sizeBytes }];
    });
  };

  const expire = () => {
    for (const { path, keptMs } of copies()) {
      if (keptMs < wallMs() - BACKUP_KEPT_MS) files.unlink(path);
    }
  };

  const keep = (path: string, content: Uint8Array): string | undefined => {
    try {
      expire();
      const held = copies().reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      if (held + content.byteLength > BACKUP_TOTAL_MAX_BYTES) {
        return `sha256:${sha256Hex(content)}`;
      }
      makeParents(files, `${directory}/x`);
      files.chmod(directory, 0o700);
      // Two copies within one millisecond are two copies.
      lastMs = Math.max(lastMs + 1, Math.trunc(wallMs()));
      const name = encodeURIComponent(path).slice(0, 200);
      const copy = `${directory}/${String(lastMs).padStart(13, "0")}-${name}`;
      files.writeAtomicSync(copy, content, { mode: 0o600 });
      return copy;
    } catch (error) {
      if (isRefusal(error)) return undefined;
      throw error;
    }
  };

  return { keep, expire };
}
