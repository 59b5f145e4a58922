/**
 * A file that comes in pieces. It owns `PATH.part` until all of it is there, then it is `PATH`; what
 * has come outlives this process, so that the rest is enough the next time.
 */
import { createHash, type Hash } from "node:crypto";
import { dirname } from "node:path";
import { CHUNK_BYTES } from "./snapshot_meta.ts";

/** What the file is to become. */
export interface WholeFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** One file, from its first piece to its last. */
export class PartialFile {
  #offset = 0;
  readonly #hash: Hash = createHash("sha256");

  private constructor(readonly whole: WholeFile, private readonly file: Deno.FsFile) {}

  /** Goes on with what is there. */
  static async open(whole: WholeFile): Promise<PartialFile> {
    const file = await Deno.open(partPath(whole), { read: true, write: true, create: true });
    const partial = new PartialFile(whole, file);
    try {
      await partial.#resume();
      return partial;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** How much has come. */
  get offset(): number {
    return this.#offset;
  }

  async append(piece: Uint8Array): Promise<void> {
    for (let written = 0; written < piece.length;) {
      written += await this.file.write(piece.subarray(written));
    }
    this.#hash.update(piece);
    this.#offset += piece.length;
  }

  /**
   * Makes the whole file durable under its name.
   *
   * @returns false when it is not what it was said to be; it is then gone
   */
  async finish(): Promise<boolean> {
    const isSound = this.#offset === this.whole.bytes &&
      this.#hash.digest("hex") === this.whole.sha256;
    if (!isSound) {
      await this.discard();
      return false;
    }
    await this.file.sync();
    this.file.close();
    await Deno.rename(partPath(this.whole), this.whole.path);
    using directory = await Deno.open(dirname(this.whole.path));
    await directory.sync();
    return true;
  }

  /** Lets go of the file and keeps what has come. */
  close(): void {
    this.file.close();
  }

  async discard(): Promise<void> {
    this.file.close();
    await Deno.remove(partPath(this.whole));
  }

  async #resume(): Promise<void> {
    const { size } = await this.file.stat();
    if (size > this.whole.bytes) return await this.file.truncate(0);
    this.#offset = await hashInto(this.#hash, this.file);
  }
}

/** Whether the whole file is there already. */
export async function isComplete({ path, bytes, sha256 }: WholeFile): Promise<boolean> {
  try {
    using file = await Deno.open(path);
    if ((await file.stat()).size !== bytes) return false;
    const hash = createHash("sha256");
    await hashInto(hash, file);
    return hash.digest("hex") === sha256;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** In pieces, so that everything else goes on meanwhile. @returns how many bytes there were */
async function hashInto(hash: Hash, file: Deno.FsFile): Promise<number> {
  const buffer = new Uint8Array(CHUNK_BYTES);
  let bytes = 0;
  for (let read = await file.read(buffer); read !== null; read = await file.read(buffer)) {
    hash.update(buffer.subarray(0, read));
    bytes += read;
  }
  return bytes;
}

function partPath({ path }: WholeFile): string {
  return `${path}.part`;
}
