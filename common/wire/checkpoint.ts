import { create } from "@bufbuild/protobuf";
import { journal } from "../../api/mod.ts";
import { type Checkpoint, CheckpointSchema } from "../chain/mod.ts";
import { PactError } from "../errors/mod.ts";
import { counterFromWire, instantFromWire, instantToWire } from "./scalars.ts";

/** Protobuf form of a checkpoint, with its signer's certificate where the reader needs it. */
export function checkpointToWire(
  { sequence, hash, signed_at, signer, signature }: Checkpoint,
  signerCertificate = "",
): journal.Checkpoint {
  return create(journal.CheckpointSchema, {
    sequence: BigInt(sequence),
    hash,
    signedAt: instantToWire(signed_at),
    signer,
    signature: Uint8Array.fromBase64(signature),
    signerCertificate,
  });
}

/**
 * A checkpoint from the wire.
 *
 * @throws {PactError} DATA_CORRUPT when it lacks what one must have.
 */
export function checkpointFromWire(message: journal.Checkpoint): Checkpoint {
  const parsed = CheckpointSchema.safeParse({
    sequence: counterFromWire(message.sequence),
    hash: message.hash,
    signed_at: message.signedAt && instantFromWire(message.signedAt),
    signer: message.signer,
    signature: message.signature.toBase64(),
  });
  if (parsed.success) return parsed.data;
  throw new PactError("DATA_CORRUPT", `the checkpoint of entry ${message.sequence} is unreadable`);
}
