import { z } from "zod";

/** Of one piece when a snapshot is sent (JRN-51). */
export const CHUNK_BYTES = 1024 * 1024;

const size = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER);

const metaSchema = z.strictObject({
  /** Of the whole file: what it is, and the name under which it is put together. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  bytes: size.min(1),
  /** Where this piece belongs. */
  offset: size,
  /** The piece ends the file. */
  done: z.boolean(),
});

const answerSchema = z.strictObject({
  /** Where the receiver wants to go on; the file's size when it has all of it. */
  offset: size,
  /** The file is whole, and the message that names it has been handed over. */
  taken: z.boolean(),
});

/** What a piece of a snapshot belongs to. */
export type SnapshotMeta = z.infer<typeof metaSchema>;

/** What the receiver has so far. */
export type SnapshotAnswer = z.infer<typeof answerSchema>;

/** @returns undefined when it is none */
export function parseSnapshotMeta(json: Uint8Array): SnapshotMeta | undefined {
  return metaSchema.safeParse(parseJson(json)).data;
}

/** @returns undefined when it is none */
export function parseSnapshotAnswer(json: Uint8Array): SnapshotAnswer | undefined {
  return answerSchema.safeParse(parseJson(json)).data;
}

export function snapshotJson(document: SnapshotMeta | SnapshotAnswer): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(document));
}

const JSON_MAX_BYTES = 4096;

function parseJson(json: Uint8Array): unknown {
  if (json.length > JSON_MAX_BYTES) return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(json));
  } catch {
    return undefined;
  }
}
