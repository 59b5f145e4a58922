/**
 * Tar archives of a few regular files, in the ustar form that every tar reads and writes (POSIX.1,
 * pax "ustar interchange format"): a block of 512 bytes with name, size and checksum, the content,
 * zeros up to the next block; two blocks of zeros end the archive.
 *
 * @module
 */
import { BackupError } from "./backup_error.ts";

const BLOCK_BYTES = 512;

/** Largest file an archive of this form can hold: 11 octal digits. */
export const TAR_MAX_FILE_BYTES = 8 ** 11 - 1;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The end of an archive. */
export const TAR_END: Uint8Array = new Uint8Array(2 * BLOCK_BYTES);

/**
 * The header of a regular file that only its owner may read.
 *
 * @throws {BackupError} when name or size do not fit the form.
 */
export function tarHeader(name: string, sizeBytes: number, mtimeMs: number): Uint8Array {
  if (sizeBytes > TAR_MAX_FILE_BYTES) {
    throw new BackupError(`${name} has ${sizeBytes} bytes, a backup holds ${TAR_MAX_FILE_BYTES}`);
  }
  const block = new Uint8Array(BLOCK_BYTES);
  const put = (offset: number, text: string) => block.set(encoder.encode(text), offset);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, "0");
  put(0, name);
  put(100, `${octal(0o600, 7)}\0`);
  put(108, `${octal(0, 7)}\0`);
  put(116, `${octal(0, 7)}\0`);
  put(124, `${octal(sizeBytes, 11)}\0`);
  put(136, `${octal(Math.floor(mtimeMs / 1000), 11)}\0`);
  put(156, "0");
  put(257, "ustar\x0000");
  put(148, `${octal(checksum(block), 6)}\0 `);
  return block;
}

/** The zeros behind a file of so many bytes. */
export function tarPadding(sizeBytes: number): Uint8Array {
  return new Uint8Array((BLOCK_BYTES - sizeBytes % BLOCK_BYTES) % BLOCK_BYTES);
}

/** One file of an archive. Its content must be read to the end before the next file is asked for. */
export interface TarFile {
  readonly name: string;
  readonly sizeBytes: number;
  readonly content: AsyncIterable<Uint8Array>;
}

/**
 * The files of an archive, in their order; nothing is held beyond one chunk of the source.
 *
 * @throws {BackupError} for what is no archive, or one that breaks off.
 */
export async function* readTar(source: AsyncIterable<Uint8Array>): AsyncGenerator<TarFile> {
  const reader = new ByteReader(source);
  // Ends with the archive, which the reader bounds.
  while (true) {
    const block = await reader.exactly(BLOCK_BYTES);
    if (block.every((byte) => byte === 0)) return;
    const { name, sizeBytes } = parseHeader(block);
    yield { name, sizeBytes, content: reader.upTo(sizeBytes) };
    await reader.exactly(tarPadding(sizeBytes).byteLength);
  }
}

function parseHeader(block: Uint8Array): { name: string; sizeBytes: number } {
  const text = (offset: number, length: number) =>
    decoder.decode(block.subarray(offset, offset + length)).split("\0")[0] ?? "";
  const number = (offset: number, length: number) => Number.parseInt(text(offset, length), 8);
  const sizeBytes = number(124, 12);
  if (number(148, 8) !== checksum(block) || !Number.isSafeInteger(sizeBytes)) {
    throw new BackupError("the archive is damaged: it holds a header with a wrong checksum");
  }
  return { name: text(0, 100), sizeBytes };
}

/** The sum of a header's bytes, its checksum field taken for spaces. */
function checksum(block: Uint8Array): number {
  return block.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 0x20 : byte), 0);
}

/** Bytes of a source in the pieces that are asked for. */
class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#chunks = source[Symbol.asyncIterator]();
  }

  /** The next `count` bytes; few, because they are put together. */
  async exactly(count: number): Promise<Uint8Array> {
    const bytes = new Uint8Array(count);
    let filled = 0;
    for await (const part of this.upTo(count)) {
      bytes.set(part, filled);
      filled += part.byteLength;
    }
    return bytes;
  }

  /** The next `count` bytes as they come. */
  async *upTo(count: number): AsyncGenerator<Uint8Array> {
    let left = count;
    while (left > 0) {
      if (this.#rest.byteLength === 0) this.#rest = await this.#next();
      const part = this.#rest.subarray(0, left);
      this.#rest = this.#rest.subarray(part.byteLength);
      left -= part.byteLength;
      if (part.byteLength > 0) yield part;
    }
  }

  async #next(): Promise<Uint8Array> {
    const { done, value } = await this.#chunks.next();
    if (done === true) throw new BackupError("the archive breaks off before its end");
    return value;
  }
}
