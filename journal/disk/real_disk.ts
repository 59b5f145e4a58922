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

/** Parts that fit in so much go to the file in one call: copying them costs less than a call. */
const GATHERED_MAX_BYTES = 32 * 1024;

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

interface OpenFile {
  readonly file: Deno.FsFile;
  /** Where the next read or write takes place. */
  position: number;
}

class RealDisk implements SyncingDisk {
  readonly #directory: string;
  /** In order of use, the latest last. */
  readonly #open = new Map<string, OpenFile>();
  readonly #gathered = new Uint8Array(GATHERED_MAX_BYTES);

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
    return this.#with(name, (open) => {
      seek(open, offset);
      const bytes = new Uint8Array(length);
      return bytes.subarray(0, readInto(open, bytes));
    });
  }

  create(name: string): void {
    const path = this.pathOf(name);
    guarded(path, () => {
      const options = { read: true, write: true, createNew: true, mode: 0o600 };
      this.#keep(name, { file: Deno.openSync(path, options), position: 0 });
    });
  }

  write(name: string, offset: number, parts: readonly Uint8Array[]): void {
    this.#with(name, (open) => {
      seek(open, offset);
      for (const part of this.#gather(parts)) writeWhole(open, part);
    });
  }

  sync(name: string): void {
    this.#with(name, ({ file }) => file.syncDataSync());
  }

  async syncLater(name: string): Promise<void> {
    try {
      await this.#with(name, ({ file }) => file.syncData());
    } catch (error) {
      throw storageError(this.pathOf(name), error);
    }
  }

  truncate(name: string, lengthBytes: number): void {
    this.#with(name, ({ file }) => file.truncateSync(lengthBytes));
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

  /** The parts as one, unless there is too much of them. */
  #gather(parts: readonly Uint8Array[]): readonly Uint8Array[] {
    let length = 0;
    for (const part of parts) length += part.length;
    if (parts.length < 2 || length > GATHERED_MAX_BYTES) return parts;
    let at = 0;
    for (const part of parts) {
      this.#gathered.set(part, at);
      at += part.length;
    }
    return [this.#gathered.subarray(0, length)];
  }

  #with<T>(name: string, work: (open: OpenFile) => T): T {
    // The path is put together only where it is needed: that costs more than the rest of this.
    try {
      const open = this.#open.get(name) ?? this.#reopen(name);
      this.#keep(name, open);
      return work(open);
    } catch (error) {
      throw storageError(this.pathOf(name), error);
    }
  }

  #reopen(name: string): OpenFile {
    return { file: Deno.openSync(this.pathOf(name), { read: true, write: true }), position: 0 };
  }

  #keep(name: string, open: OpenFile): void {
    this.#open.delete(name);
    this.#open.set(name, open);
    const [oldest] = this.#open.keys();
    if (this.#open.size > OPEN_FILES_MAX && oldest !== undefined) this.#release(oldest);
  }

  #release(name: string): void {
    this.#open.get(name)?.file.close();
    this.#open.delete(name);
  }
}

/** Writes that follow each other find the position where they want it. */
function seek(open: OpenFile, offset: number): void {
  if (open.position === offset) return;
  open.file.seekSync(offset, Deno.SeekMode.Start);
  open.position = offset;
}

/** How many bytes came; fewer than asked for only where the file ends. */
function readInto(open: OpenFile, bytes: Uint8Array): number {
  let filled = 0;
  while (filled < bytes.length) {
    const count = open.file.readSync(bytes.subarray(filled));
    if (count === null) break;
    filled += count;
    open.position += count;
  }
  return filled;
}

function writeWhole(open: OpenFile, bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) {
    const count = open.file.writeSync(bytes.subarray(written));
    written += count;
    open.position += count;
  }
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
    throw storageError(path, error);
  }
}

/** What went wrong with the file at `path`, unless `error` says so itself. */
function storageError(path: string, error: unknown): unknown {
  if (error instanceof StorageError || !(error instanceof Error)) return error;
  return new StorageError("io", path, reasonOf(error), { cause: error });
}

/** What the operating system says, and what to do where that is plain. */
function reasonOf(error: Error): string {
  const code = "code" in error ? error.code : undefined;
  if (code === "ENOSPC") return "the disk is full; free space, then restart";
  if (code === "EDQUOT") return "the disk quota is used up; free space, then restart";
  return error.message;
}
