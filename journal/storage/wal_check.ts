import { StorageError } from "./storage_error.ts";

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const MAGIC_LITTLE_ENDIAN = 0x377f0682;
const MAGIC_BIG_ENDIAN = 0x377f0683;

/**
 * Looks for damage in the middle of a SQLite write-ahead log before SQLite opens it.
 *
 * SQLite stops at the first frame whose checksum fails and forgets the rest without a word. That is
 * right for a torn tail, the transaction a crash cut short; but a damaged byte further up would
 * drop transactions that were synced and acknowledged. The two are told apart by what follows the
 * first bad frame: each transaction is synced before the next begins, so a crash leaves at most one
 * commit frame of this log's generation behind it. Two or more mean damage (JRN-65).
 *
 * Format: https://www.sqlite.org/fileformat2.html#the_write_ahead_log
 *
 * @throws {StorageError} `corrupt` with the offset of the first bad frame.
 */
export function verifyWal(path: string): void {
  using file = openIfPresent(path);
  if (file === undefined) return;
  const header = readExactly(file, HEADER_BYTES);
  if (header === undefined) return;
  const view = new DataView(header.buffer);
  const magic = view.getUint32(0);
  if (magic !== MAGIC_LITTLE_ENDIAN && magic !== MAGIC_BIG_ENDIAN) {
    return refuseBadHeader(file, path);
  }
  const littleEndian = magic === MAGIC_LITTLE_ENDIAN;
  const sum: Checksum = { a: 0, b: 0 };
  addWords(sum, header.subarray(0, 24), littleEndian);
  if (sum.a !== view.getUint32(24) || sum.b !== view.getUint32(28)) {
    return refuseBadHeader(file, path);
  }
  const salt = view.getBigUint64(16);
  const firstBad = skipGoodFrames(file, view.getUint32(8), salt, sum, littleEndian);
  if (firstBad === undefined) return;
  if (commitsFrom(file, firstBad, view.getUint32(8), salt) >= 2) {
    throw new StorageError(
      "corrupt",
      path,
      "damaged bytes before acknowledged transactions; restore the data directory from a backup or another member",
      { position: `offset ${firstBad}` },
    );
  }
}

interface Checksum {
  a: number;
  b: number;
}

/** A header that was never synced has no frames behind it; anything longer was in use. */
function refuseBadHeader(file: Deno.FsFile, path: string): void {
  if (file.statSync().size <= HEADER_BYTES) return;
  throw new StorageError(
    "corrupt",
    path,
    "the write-ahead log's header is damaged; restore the data directory from a backup or another member",
    { position: "offset 0" },
  );
}

function openIfPresent(path: string): Deno.FsFile | undefined {
  try {
    return Deno.openSync(path, { read: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw new StorageError("io", path, "cannot be read", { cause: error });
  }
}

/** Offset of the first frame of this generation that fails its checksum; undefined for none. */
function skipGoodFrames(
  file: Deno.FsFile,
  pageBytes: number,
  salt: bigint,
  sum: Checksum,
  littleEndian: boolean,
): number | undefined {
  let offset = HEADER_BYTES;
  for (
    let frame = readExactly(file, FRAME_HEADER_BYTES + pageBytes);
    frame !== undefined;
    frame = readExactly(file, FRAME_HEADER_BYTES + pageBytes)
  ) {
    const view = new DataView(frame.buffer);
    addWords(sum, frame.subarray(0, 8), littleEndian);
    addWords(sum, frame.subarray(FRAME_HEADER_BYTES), littleEndian);
    const good = view.getBigUint64(8) === salt && view.getUint32(16) === sum.a &&
      view.getUint32(20) === sum.b;
    if (!good) return offset;
    offset += frame.byteLength;
  }
  return undefined;
}

/** Counts commit frames of this generation from `offset` on, whatever their checksums say. */
function commitsFrom(file: Deno.FsFile, offset: number, pageBytes: number, salt: bigint): number {
  const frameBytes = FRAME_HEADER_BYTES + pageBytes;
  let commits = 0;
  file.seekSync(offset, Deno.SeekMode.Start);
  for (
    let frame = readExactly(file, frameBytes);
    frame !== undefined;
    frame = readExactly(file, frameBytes)
  ) {
    const view = new DataView(frame.buffer);
    if (view.getBigUint64(8) === salt && view.getUint32(4) !== 0) commits++;
  }
  return commits;
}

function addWords(sum: Checksum, bytes: Uint8Array, littleEndian: boolean): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let { a, b } = sum;
  for (let at = 0; at < bytes.byteLength; at += 8) {
    a = (a + view.getUint32(at, littleEndian) + b) >>> 0;
    b = (b + view.getUint32(at + 4, littleEndian) + a) >>> 0;
  }
  sum.a = a;
  sum.b = b;
}

/** The next `count` bytes, or undefined when the file ends before. */
function readExactly(file: Deno.FsFile, count: number): Uint8Array<ArrayBuffer> | undefined {
  const bytes = new Uint8Array(count);
  let filled = 0;
  while (filled < count) {
    const read = file.readSync(bytes.subarray(filled));
    if (read === null) return undefined;
    filled += read;
  }
  return bytes;
}
