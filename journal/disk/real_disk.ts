/**
 * Owns handles to a few files of one directory. Ends with `close`.
 *
 * @module
 */
import { join } from "node:path";
import { StorageError } from "../storage/mod.ts";
import type { SyncingDisk } from "./disk.ts";

/**
 * Handles kept open: the file written to, and a few that are read. Few, because a handle keeps the
 * space of a file that another thread has removed.
 */
const OPEN_FILES_MAX = 4;

/**
 * The files of `directory` on the machine's own file system; the directory is made (mode 0700)
 * when it is missing, files are made for their owner alone. Names are not paths: whoever calls
 * gives names of files in this directory.
 *
 * @throws {StorageError} `io` when the directory cannot be made.
 */
export function openDisk(directory: string): SyncingDisk {
  guarded(directory, () => {
    if (isDirectory(directory)) return;
    Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
    syncDirectory(join(directory, ".."));
  });
  return new RealDisk(directory);
}

class RealDisk implements SyncingDisk {
  readonly #directory: string;
  /** In order of use, the latest last. */
  readonly #open = new Map<string, Deno.FsFile>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  list(): readonly string[] {
    return guarded(this.#directory, () => {
      const entries = [...Deno.readDirSync(this.#directory)];
      return entries.filter(({ isFile }) => isFile).map(({ name }) => name).sort();
    });
  }

  pathOf(name: string): string {
    return join(this.#directory, name);
  }

  sizeBytes(name: string): number {
    const path = this.pathOf(name);
    return guarded(path, () => Deno.statSync(path).size);
  }

  read(name: string, offset: number, length: number): Uint8Array {
    return this.#with(name, (file) => {
      file.seekSync(offset, Deno.SeekMode.Start);
      const bytes = new Uint8Array(length);
      return bytes.subarray(0, readInto(file, bytes));
    });
  }

  create(name: string): void {
    const path = this.pathOf(name);
    guarded(path, () => {
      const options = { read: true, append: true, createNew: true, mode: 0o600 };
      this.#keep(name, Deno.openSync(path, options));
    });
  }

  append(name: string, parts: readonly Uint8Array[]): void {
    this.#with(name, (file) => {
      for (const part of parts) writeWhole(file, part);
    });
  }

  sync(name: string): void {
    this.#with(name, (file) => file.syncDataSync());
  }

  async syncLater(name: string): Promise<void> {
    const path = this.pathOf(name);
    try {
      await this.#with(name, (file) => file.syncData());
    } catch (error) {
      guarded(path, () => {
        throw error;
      });
    }
  }

  truncate(name: string, lengthBytes: number): void {
    this.#with(name, (file) => file.truncateSync(lengthBytes));
  }

  rename(from: string, to: string): void {
    guarded(this.pathOf(from), () => {
      Deno.renameSync(this.pathOf(from), this.pathOf(to));
      this.#release(from);
      this.#release(to);
    });
  }

  remove(name: string): void {
    guarded(this.pathOf(name), () => {
      this.#release(name);
      Deno.removeSync(this.pathOf(name));
    });
  }

  syncDirectory(): void {
    guarded(this.#directory, () => syncDirectory(this.#directory));
  }

  close(): void {
    for (const name of [...this.#open.keys()]) this.#release(name);
  }

  #with<T>(name: string, work: (file: Deno.FsFile) => T): T {
    const path = this.pathOf(name);
    return guarded(path, () => {
      // Every write goes to the end of the file, wherever a read has left the position.
      const file = this.#open.get(name) ?? Deno.openSync(path, { read: true, append: true });
      this.#keep(name, file);
      return work(file);
    });
  }

  #keep(name: string, file: Deno.FsFile): void {
    this.#open.delete(name);
    this.#open.set(name, file);
    const [oldest] = this.#open.keys();
    if (this.#open.size > OPEN_FILES_MAX && oldest !== undefined) this.#release(oldest);
  }

  #release(name: string): void {
    this.#open.get(name)?.close();
    this.#open.delete(name);
  }
}

/** How many bytes came; fewer than asked for only where the file ends. */
function readInto(file: Deno.FsFile, bytes: Uint8Array): number {
  let filled = 0;
  while (filled < bytes.length) {
    const count = file.readSync(bytes.subarray(filled));
    if (count === null) break;
    filled += count;
  }
  return filled;
}

function writeWhole(file: Deno.FsFile, bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) written += file.writeSync(bytes.subarray(written));
}

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function syncDirectory(path: string): void {
  using directory = Deno.openSync(path, { read: true });
  directory.syncSync();
}

function guarded<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof StorageError || !(error instanceof Error)) throw error;
    throw new StorageError("io", path, reasonOf(error), { cause: error });
  }
}

/** What the operating system says, and what to do where that is plain. */
function reasonOf(error: Error): string {
  const code = "code" in error ? error.code : undefined;
  if (code === "ENOSPC") return "the disk is full; free space, then restart";
  if (code === "EDQUOT") return "the disk quota is used up; free space, then restart";
  return error.message;
}
