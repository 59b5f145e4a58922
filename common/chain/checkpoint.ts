import { hash } from "node:crypto";
import * as z from "zod";
import { canonicalBytes } from "../json/mod.ts";
import { CounterSchema, InstantSchema, Sha256Schema } from "../model/mod.ts";

/**
 * A signature over the hash of one entry, which stands for every entry before it too. With it a
 * log cannot be rewritten from some entry on by computing all hashes anew.
 */
export const CheckpointSchema = z.object({
  /** The entry that is signed. */
  sequence: CounterSchema,
  /** Its hash. */
  hash: Sha256Schema,
  signed_at: InstantSchema,
  /** Whose key it is, as {@link signerOf} names it. */
  signer: Sha256Schema,
  /** ECDSA with SHA-256 over {@link checkpointBytes}: r and s one after the other, in base64. */
  signature: z.base64().min(1).max(512),
});

/** A signature over the log up to one entry. */
export type Checkpoint = z.infer<typeof CheckpointSchema>;

/** What the signature of a checkpoint is made over. */
export type CheckpointStatement = Pick<Checkpoint, "sequence" | "hash" | "signed_at">;

/** Keeps these signatures apart from everything else a CA key signs. */
const PREFIX = new TextEncoder().encode("pact checkpoint 1\n");

/** The bytes that are signed: a fixed line, then the statement in canonical JSON. */
export function checkpointBytes(
  { sequence, hash, signed_at }: CheckpointStatement,
): Uint8Array<ArrayBuffer> {
  const statement = canonicalBytes({ sequence, hash, signed_at });
  const bytes = new Uint8Array(PREFIX.byteLength + statement.byteLength);
  bytes.set(PREFIX);
  bytes.set(statement, PREFIX.byteLength);
  return bytes;
}

/**
 * How checkpoints name a signer: the SHA-256 of the first certificate in `certificatePem`, in
 * lower-case hex (what `openssl x509 -fingerprint -sha256` shows). Undefined when there is none.
 */
export function signerOf(certificatePem: string): string | undefined {
  const body = /-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----/.exec(certificatePem);
  if (body?.[1] === undefined) return undefined;
  try {
    return hash("sha256", Uint8Array.fromBase64(body[1].replaceAll(/\s/g, "")), "hex");
  } catch {
    return undefined;
  }
}
