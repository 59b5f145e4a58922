import { constants, zstdCompressSync } from "node:zlib";
import type { Overlay } from "../state/mod.ts";

/** Size of one chunk of the boot stream, in bytes (BOOT-2). */
export const CHUNK_BYTES = 65_536;

const ZSTD_LEVEL = 3;

/** Compressed overlays kept: one for each vCluster in use, the least recently used goes first. */
const MAX_CACHED = 256;

/** An overlay ready to be sent. The chunks are views of one buffer that all streams share. */
export interface CompressedOverlay {
  readonly vclusterId: string;
  readonly version: number;
  /** SHA-256 of the uncompressed document. */
  readonly checksum: string;
  /** At least one; an empty document yields one empty chunk. */
  readonly chunks: readonly Uint8Array[];
}

/** Compresses each overlay version once (BOOT-2, BOOT-10). */
export class OverlayCompressor {
  readonly #cached = new Map<string, CompressedOverlay>();

  /** The overlay compressed with zstd level 3 and cut into chunks. */
  compress(overlay: Overlay): CompressedOverlay {
    const cached = this.#cached.get(overlay.vcluster_id);
    const fresh = cached?.checksum === overlay.checksum && cached.version === overlay.version
      ? cached
      : compressOverlay(overlay);
    this.#cached.delete(overlay.vcluster_id);
    this.#cached.set(overlay.vcluster_id, fresh);
    for (const oldest of this.#cached.keys()) {
      if (this.#cached.size <= MAX_CACHED) break;
      this.#cached.delete(oldest);
    }
    return fresh;
  }
}

function compressOverlay({ vcluster_id, version, checksum, data }: Overlay): CompressedOverlay {
  const bytes = data === "" ? new Uint8Array() : zstdCompressSync(data, {
    params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL },
  });
  return { vclusterId: vcluster_id, version, checksum, chunks: cutIntoChunks(bytes) };
}

/** Views of `bytes`, each {@link CHUNK_BYTES} long but the last; at least one. */
export function cutIntoChunks(bytes: Uint8Array): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let offset = 0;
  do {
    chunks.push(bytes.subarray(offset, offset + CHUNK_BYTES));
    offset += CHUNK_BYTES;
  } while (offset < bytes.byteLength);
  return chunks;
}
