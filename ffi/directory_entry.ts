import { textOf } from "./memory.ts";

/** What a directory says about an entry; `unknown` where the file system does not tell (use lstat). */
export type EntryType =
  | "file"
  | "directory"
  | "symlink"
  | "fifo"
  | "socket"
  | "character"
  | "block"
  | "unknown";

export interface DirectoryEntry {
  /** UTF-8; bytes that are none show as U+FFFD, and such an entry cannot be opened by this name. */
  readonly name: string;
  readonly type: EntryType;
}

/** DT_* of readdir(3). */
const TYPES: ReadonlyMap<number, EntryType> = new Map([
  [1, "fifo"],
  [2, "character"],
  [4, "directory"],
  [6, "block"],
  [8, "file"],
  [10, "symlink"],
  [12, "socket"],
]);

/** Decodes what pact_shim_list_directory wrote, sorted by name. */
export function decodeDirectory(bytes: Uint8Array): DirectoryEntry[] {
  const entries: DirectoryEntry[] = [];
  for (let at = 0; at < bytes.byteLength;) {
    const end = bytes.indexOf(0, at + 1);
    const type = TYPES.get(bytes[at] ?? 0) ?? "unknown";
    entries.push({ name: textOf(bytes.subarray(at + 1, end)), type });
    at = end + 1;
  }
  return entries.sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}
