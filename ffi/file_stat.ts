/** What stat(2) tells. Times in milliseconds are cut; the nanosecond fields are exact. */
export interface FileStat {
  readonly type:
    | "file"
    | "directory"
    | "symlink"
    | "fifo"
    | "socket"
    | "character"
    | "block"
    | "unknown";
  /** Permission bits with set-id and sticky, 0..0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly ino: bigint;
  readonly dev: bigint;
  readonly rdev: bigint;
  readonly nlink: number;
}

const FIELDS = 10;

/** S_IFMT values of inode(7). */
const TYPES: ReadonlyMap<number, FileStat["type"]> = new Map([
  [0o010000, "fifo"],
  [0o020000, "character"],
  [0o040000, "directory"],
  [0o060000, "block"],
  [0o100000, "file"],
  [0o120000, "symlink"],
  [0o140000, "socket"],
]);

/** A buffer of the size of struct pact_stat. */
export function newStatBuffer(): BigInt64Array<ArrayBuffer> {
  return new BigInt64Array(FIELDS);
}

/** Decodes struct pact_stat. */
export function decodeFileStat(fields: BigInt64Array): FileStat {
  const at = (index: number) => fields[index] ?? 0n;
  const stMode = Number(at(0));
  return {
    type: TYPES.get(stMode & 0o170000) ?? "unknown",
    mode: stMode & 0o7777,
    uid: Number(at(1)),
    gid: Number(at(2)),
    sizeBytes: Number(at(3)),
    mtimeMs: Number(at(4) / 1_000_000n),
    mtimeNs: at(4),
    ctimeNs: at(5),
    ino: at(6),
    dev: at(7),
    rdev: at(8),
    nlink: Number(at(9)),
  };
}
