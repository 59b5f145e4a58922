import { createHash } from "node:crypto";
import type { Files, FileStat } from "../../ffi/mod.ts";
import type { FileItemValue, Observation } from "../drift/mod.ts";
import { isRefusal, reasonOf } from "./root.ts";

/** Larger files are not read, and so not verified. */
export const MAX_OBSERVED_BYTES = 64 * 1024 * 1024;

/** Times of files advance in steps: one that changed this recently may change again unseen. */
const RACY_MS = 2_000;
const MAX_REMEMBERED = 20_000;

/** Lower-case hexadecimal SHA-256. */
export function sha256Hex(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/**
 * Reads what a path is. Contents are read again only when inode, size or change time say that the
 * file may be another one, so that a scan of many files is cheap (OBS-16).
 */
export class FileReader {
  readonly #files: Files;
  readonly #wallMs: () => number;
  readonly #known = new Map<string, { readonly identity: string; readonly hash: string }>();

  constructor(files: Files, wallMs: () => number) {
    this.#files = files;
    this.#wallMs = wallMs;
  }

  /** The file at a path; a symlink there is not followed. */
  observe(path: string): Observation {
    try {
      const stat = this.#files.lstatIfPresent(path);
      if (stat === null) return { state: "absent" };
      return { state: "present", value: this.#value(path, stat) };
    } catch (error) {
      const reason = isRefusal(error) ? "permission denied" : reasonOf(error);
      return { state: "unavailable", reason };
    }
  }

  /** The content of a regular file of at most `maxBytes`. Throws ShimError. */
  read(path: string, maxBytes: number): Uint8Array {
    return this.#files.read(path, { maxBytes, followSymlink: false });
  }

  #value(path: string, stat: FileStat): FileItemValue {
    const metadata = { kind: "file", mode: stat.mode, owner: `${stat.uid}:${stat.gid}` } as const;
    if (stat.type === "file") return { ...metadata, contentHash: this.#hash(path, stat) };
    const fileType = stat.type === "directory" || stat.type === "symlink" ? stat.type : "other";
    return { ...metadata, fileType };
  }

  #hash(path: string, stat: FileStat): string {
    const identity = `${stat.dev}:${stat.ino}:${stat.sizeBytes}:${stat.mtimeNs}:${stat.ctimeNs}`;
    const known = this.#known.get(path);
    if (known?.identity === identity) return known.hash;
    const hash = sha256Hex(this.read(path, MAX_OBSERVED_BYTES));
    this.#known.delete(path);
    const settled = Number(stat.ctimeNs / 1_000_000n) < this.#wallMs() - RACY_MS;
    if (settled && this.#known.size < MAX_REMEMBERED) this.#known.set(path, { identity, hash });
    return hash;
  }
}
