import { type AppendFile, openAppendFile } from "./append_file.ts";
import { decodeDirectory, type DirectoryEntry } from "./directory_entry.ts";
import type { ErrnoName } from "./errno.ts";
import { decodeFileStat, type FileStat, newStatBuffer } from "./file_stat.ts";
import { bytesOf, cText, idOrUnchanged, textOf } from "./memory.ts";
import { check, isErrno, isShimError, ShimError } from "./shim_error.ts";
import type { Library } from "./symbols.ts";

/** How a managed file is to look. */
export interface AtomicWrite {
  /** Permission bits, exactly these whatever the umask. */
  readonly mode: number;
  /** Owner; that of this process unless given. */
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * Files anywhere in the system, /proc and /sys included. Paths are used as they are; those that a
 * client named are the caller's to check. Everything throws ShimError with the path. What has no
 * `Sync` twin and returns no promise is quick on local file systems.
 */
export interface Files {
  /** A whole file of at most `maxBytes`; EFBIG beyond. EOPNOTSUPP for what is not a regular file.
   * Follows a symlink unless told otherwise (then ELOOP). */
  read(path: string, options: { maxBytes: number; followSymlink?: boolean }): Uint8Array;
  /** As `read`, as UTF-8. */
  readText(path: string, options: { maxBytes: number; followSymlink?: boolean }): string;
  /** Writes a file that exists, in one write(2): sysctl, sysfs, cgroup2. Never creates and never
   * follows a symlink. `truncate` for ordinary files. */
  writeExisting(path: string, data: Uint8Array | string, options?: { truncate?: boolean }): void;
  /** Replaces or creates a file; whoever reads, even after a crash, sees the old or the new content
   * whole. A symlink at the path is replaced, its target untouched. */
  writeAtomic(path: string, data: Uint8Array | string, how: AtomicWrite): Promise<void>;
  /** The same, waiting for the disk on the calling thread. */
  writeAtomicSync(path: string, data: Uint8Array | string, how: AtomicWrite): void;
  stat(path: string): FileStat;
  lstat(path: string): FileStat;
  /** lstat, or null where there is nothing (ENOENT, ENOTDIR). */
  lstatIfPresent(path: string): FileStat | null;
  unlink(path: string): void;
  rmdir(path: string): void;
  rename(from: string, to: string): void;
  /** One directory with exactly this mode. */
  mkdir(path: string, mode: number): void;
  symlink(target: string, path: string): void;
  readlink(path: string): string;
  /** The path without any link in it (realpath(3)). */
  realPath(path: string): string;
  /** Refuses a symlink (EOPNOTSUPP). */
  chmod(path: string, mode: number): void;
  /** A symlink itself changes owner. */
  chown(path: string, owner: { uid?: number; gid?: number }): void;
  /** Entries sorted by name; ENOBUFS when they take more than `maxBytes` (1 MiB unless given). */
  list(path: string, options?: { maxBytes?: number }): DirectoryEntry[];
  /** Opens, or creates with this mode, a file whose appends are durable. */
  openAppend(path: string, mode: number): AppendFile;
  /** Opens a named pipe of this user, made with mode 0600 if need be: its end to `read` from, for
   * `readPipe`, or one that holds both ends, for the output of a program that is to outlive its
   * reader (it never gets SIGPIPE). Returns a descriptor that is the caller's to close. */
  openFifo(path: string, end: "read" | "both"): number;
  /** Writes at most 4096 bytes to a pipe that this process was given, all or none, without waiting.
   * Throws EAGAIN when it is full, EPIPE when its reader is gone. */
  writePipe(fd: number, bytes: Uint8Array): void;
  /** Sends one command to a character device, such as the TPM's, and returns its answer. Throws
   * ETIMEDOUT when none comes in time. Blocks until then. */
  exchange(path: string, command: Uint8Array<ArrayBuffer>, limits: ExchangeLimits): Uint8Array;
  /** Closes a descriptor that the shim gave out (a pipe end that nobody adopted). */
  closeDescriptor(fd: number): void;
}

/** How long an answer may take, and how large it may be. */
export interface ExchangeLimits {
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

const FIRST_BUFFER_BYTES = 64 * 1024;
/** Longest path of the kernel. */
const PATH_BYTES = 4096;

/** Runs `fill` with growing buffers until it no longer reports `tooSmall`, at most `maxBytes`. */
function withGrowingBuffer(
  maxBytes: number,
  tooSmall: ErrnoName,
  fill: (buffer: Uint8Array<ArrayBuffer>) => number,
): { result: number; bytes: Uint8Array<ArrayBuffer> } {
  let capacity = Math.min(FIRST_BUFFER_BYTES, maxBytes);
  let buffer = new Uint8Array(capacity);
  let result = fill(buffer);
  while (isErrno(result, tooSmall) && capacity < maxBytes) {
    capacity = Math.min(capacity * 8, maxBytes);
    buffer = new Uint8Array(capacity);
    result = fill(buffer);
  }
  return { result, bytes: result > 0 ? buffer.slice(0, result) : new Uint8Array(0) };
}

function createReading(library: Library): Pick<Files, "read" | "readText" | "list"> {
  function read(path: string, options: { maxBytes: number; followSymlink?: boolean }): Uint8Array {
    if (!Number.isSafeInteger(options.maxBytes) || options.maxBytes < 0) {
      throw ShimError.of("EINVAL", "read", path);
    }
    const cPath = cText(path, "read");
    const follow = options.followSymlink === false ? 0 : 1;
    const { result, bytes } = withGrowingBuffer(
      options.maxBytes,
      "EFBIG",
      (buffer) =>
        Number(library.pact_shim_read_file(cPath, follow, buffer, BigInt(buffer.byteLength))),
    );
    check(result, "read", path);
    return bytes;
  }

  function list(path: string, options: { maxBytes?: number } = {}): DirectoryEntry[] {
    const cPath = cText(path, "readdir");
    const { result, bytes } = withGrowingBuffer(
      options.maxBytes ?? 1 << 20,
      "ENOBUFS",
      (buffer) =>
        Number(library.pact_shim_list_directory(cPath, buffer, BigInt(buffer.byteLength))),
    );
    check(result, "readdir", path);
    return decodeDirectory(bytes);
  }

  return { read, list, readText: (path, options) => textOf(read(path, options)) };
}

function createWriting(
  library: Library,
): Pick<Files, "writeExisting" | "writeAtomic" | "writeAtomicSync" | "openAppend"> {
  function atomicArguments(path: string, data: Uint8Array | string, how: AtomicWrite) {
    const bytes = bytesOf(data);
    return [
      cText(path, "write"),
      bytes,
      BigInt(bytes.byteLength),
      how.mode,
      idOrUnchanged(how.uid),
      idOrUnchanged(how.gid),
    ] as const;
  }

  return {
    writeExisting: (path, data, options = {}) => {
      const bytes = bytesOf(data);
      const result = library.pact_shim_write_existing(
        cText(path, "write"),
        bytes,
        BigInt(bytes.byteLength),
        options.truncate === true ? 1 : 0,
      );
      check(result, "write", path);
    },
    writeAtomic: async (path, data, how) => {
      // The constant keeps the buffers alive until the other thread is done with them.
      const held = atomicArguments(path, data, how);
      check(await library.pact_shim_write_atomic_async(...held), "write", path);
    },
    writeAtomicSync: (path, data, how) => {
      check(library.pact_shim_write_atomic(...atomicArguments(path, data, how)), "write", path);
    },
    openAppend: (path, mode) => openAppendFile(library, path, mode),
  };
}

/** The files of one loaded shim. */
export function createFiles(library: Library): Files {
  function statWith(path: string, follow: number, operation: string): FileStat {
    const out = newStatBuffer();
    check(library.pact_shim_stat(cText(path, operation), follow, out), operation, path);
    return decodeFileStat(out);
  }

  function lstatIfPresent(path: string): FileStat | null {
    try {
      return statWith(path, 0, "lstat");
    } catch (error) {
      if (isShimError(error, "ENOENT", "ENOTDIR")) return null;
      throw error;
    }
  }

  function readlink(path: string): string {
    const { result, bytes } = withGrowingBuffer(
      FIRST_BUFFER_BYTES,
      "ENAMETOOLONG",
      (buffer) => library.pact_shim_readlink(cText(path, "readlink"), buffer, buffer.byteLength),
    );
    check(result, "readlink", path);
    return textOf(bytes);
  }

  function realPath(path: string): string {
    const buffer = new Uint8Array(PATH_BYTES);
    const result = library.pact_shim_realpath(cText(path, "realpath"), buffer, PATH_BYTES);
    return textOf(buffer.subarray(0, check(result, "realpath", path)));
  }

  /** An operation on one path. */
  const onPath = (operation: string, call: (path: Uint8Array<ArrayBuffer>) => number) =>
  (
    path: string,
  ): void => {
    check(call(cText(path, operation)), operation, path);
  };

  return {
    ...createReading(library),
    ...createWriting(library),
    stat: (path) => statWith(path, 1, "stat"),
    lstat: (path) => statWith(path, 0, "lstat"),
    lstatIfPresent,
    unlink: onPath("unlink", (path) => library.pact_shim_unlink(path)),
    rmdir: onPath("rmdir", (path) => library.pact_shim_rmdir(path)),
    rename: (from, to) => {
      const result = library.pact_shim_rename(cText(from, "rename"), cText(to, "rename"));
      check(result, "rename", `${from} to ${to}`);
    },
    mkdir: (path, mode) => {
      check(library.pact_shim_mkdir(cText(path, "mkdir"), mode), "mkdir", path);
    },
    symlink: (target, path) => {
      const result = library.pact_shim_symlink(cText(target, "symlink"), cText(path, "symlink"));
      check(result, "symlink", path);
    },
    readlink,
    realPath,
    chmod: (path, mode) => {
      check(library.pact_shim_chmod(cText(path, "chmod"), mode), "chmod", path);
    },
    chown: (path, { uid, gid }) => {
      const cPath = cText(path, "chown");
      check(library.pact_shim_chown(cPath, idOrUnchanged(uid), idOrUnchanged(gid)), "chown", path);
    },
    writePipe: (fd, bytes) => {
      check(library.pact_shim_pipe_write(fd, bytes, bytes.byteLength), "write", `pipe ${fd}`);
    },
    openFifo: (path, end) => {
      const result = library.pact_shim_fifo_open(
        cText(path, "open"),
        0o600,
        end === "read" ? 1 : 0,
      );
      return check(result, "open", path);
    },
    exchange: (path, command, { timeoutMs, maxBytes }) => {
      const answer = new Uint8Array(maxBytes);
      const result = library.pact_shim_device_exchange(
        cText(path, "exchange"),
        command,
        command.byteLength,
        answer,
        maxBytes,
        timeoutMs,
      );
      return answer.slice(0, check(result, "exchange", path));
    },
    closeDescriptor: (fd) => {
      check(library.pact_shim_close(fd), "close", `descriptor ${fd}`);
    },
  };
}
