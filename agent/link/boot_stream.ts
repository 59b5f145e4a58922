import { createHash } from "node:crypto";
import { Buffer } from "node:buffer";
import { zstdDecompressSync } from "node:zlib";
import * as z from "zod";
import type { journal, stream } from "../../api/mod.ts";
import {
  type Entry,
  EntrySchema,
  MAX_OVERLAY_BYTES,
  type OverlayDocument,
  OverlayDocumentSchema,
} from "../../common/model/mod.ts";
import { counterFromWire } from "../../common/wire/mod.ts";

/** What one boot stream brought. */
export interface BootConfig {
  /** Absent when the version the node has is still the newest (BOOT-5). */
  readonly overlay: OverlayDocument | undefined;
  readonly overlayVersion: number;
  /** The node's own live entries, oldest first. */
  readonly deltas: readonly Entry[];
  /** Where a subscription continues without a gap (API-51). */
  readonly nextSequence: number;
  /** Rules of the site decide beside the roles (POL-1). */
  readonly rulesApply: boolean;
  /** The open emergencies that cover the node; undefined where the journal does not say. */
  readonly emergencies: readonly journal.EmergencySession[] | undefined;
}

/** A boot stream that breaks its own rules: nothing of it is used. */
export class BootStreamError extends Error {
  override readonly name = "BootStreamError";
}

/** Largest compressed overlay taken; zstd makes documents smaller, never much larger. */
const MAX_COMPRESSED_BYTES = MAX_OVERLAY_BYTES + 64 * 1024;

/** Reads a boot stream to its end, verifying order, totals and checksums (BOOT-1, BTS-8). */
export async function readBootStream(
  chunks: AsyncIterable<stream.ConfigChunk>,
): Promise<BootConfig> {
  const parts: stream.OverlayChunk[] = [];
  let bytes = 0;
  let deltas: readonly Entry[] = [];
  for await (const { chunk } of chunks) {
    switch (chunk.case) {
      case "baseOverlay":
        bytes += chunk.value.data.length;
        requireNext(parts, chunk.value, bytes);
        parts.push(chunk.value);
        break;
      case "nodeDelta":
        deltas = readDelta(chunk.value);
        break;
      case "complete":
        return {
          overlay: parts.length === 0 ? undefined : readOverlay(parts),
          overlayVersion: counterFromWire(chunk.value.baseVersion),
          deltas,
          nextSequence: counterFromWire(chunk.value.nextSequence),
          rulesApply: chunk.value.rulesApply,
          emergencies: chunk.value.emergencies?.sessions,
        };
      case undefined:
        throw new BootStreamError("a chunk without content");
    }
  }
  throw new BootStreamError("the stream ended before its completion");
}

function requireNext(
  parts: readonly stream.OverlayChunk[],
  next: stream.OverlayChunk,
  bytes: number,
): void {
  const first = parts[0] ?? next;
  if (next.chunkIndex !== parts.length || next.totalChunks !== first.totalChunks) {
    throw new BootStreamError(
      `overlay chunk ${next.chunkIndex} came where ${parts.length} was due`,
    );
  }
  if (next.checksum !== first.checksum || next.version !== first.version) {
    throw new BootStreamError("overlay chunks of two versions in one stream");
  }
  if (bytes > MAX_COMPRESSED_BYTES) throw new BootStreamError("overlay larger than it may be");
}

function readOverlay(parts: readonly stream.OverlayChunk[]): OverlayDocument {
  const [first] = parts;
  if (first === undefined || parts.length !== first.totalChunks) {
    throw new BootStreamError(`${parts.length} of ${first?.totalChunks ?? 0} overlay chunks came`);
  }
  const compressed = Buffer.concat(parts.map((part) => part.data));
  const data = zstdDecompressSync(compressed, { maxOutputLength: MAX_OVERLAY_BYTES });
  requireChecksum("overlay", data, first.checksum);
  return parse(OverlayDocumentSchema, data, "overlay");
}

function readDelta(delta: stream.NodeDelta): readonly Entry[] {
  requireChecksum("node delta", delta.data, delta.checksum);
  return parse(z.array(EntrySchema), delta.data, "node delta");
}

function requireChecksum(what: string, data: Uint8Array, expected: string): void {
  const actual = createHash("sha256").update(data).digest("hex");
  if (actual !== expected) {
    throw new BootStreamError(`${what} checksum mismatch: expected ${expected}, got ${actual}`);
  }
}

function parse<Schema extends z.ZodType>(
  schema: Schema,
  data: Uint8Array,
  what: string,
): z.output<Schema> {
  const parsed = schema.safeParse(
    JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(data)),
    // A node reads few documents: making machine code for each kind of object costs more than it saves.
    { jitless: true },
  );
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new BootStreamError(
    `${what} ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "invalid"}`,
  );
}
