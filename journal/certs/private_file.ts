import { SecretPem } from "../../common/secret/mod.ts";

/** A key or secret file that must not be used as it is; the message names file and remedy. */
export class PrivateFileError extends Error {
  override readonly name = "PrivateFileError";
}

const MAX_BYTES = 64 * 1024;

/**
 * Reads a file that holds a secret.
 *
 * @throws {PrivateFileError} unless it is a regular file that only its owner can read (CRT-2).
 */
export function readPrivateFile(path: string): string {
  let info: Deno.FileInfo;
  try {
    info = Deno.lstatSync(path);
  } catch (error) {
    throw new PrivateFileError(`cannot read ${path}: ${reason(error)}`);
  }
  if (!info.isFile) throw new PrivateFileError(`${path} must be a regular file`);
  if (((info.mode ?? 0) & 0o077) !== 0) {
    throw new PrivateFileError(`${path} can be read by others: run chmod 600 ${path}`);
  }
  if (info.size > MAX_BYTES) {
    throw new PrivateFileError(`${path} is larger than ${MAX_BYTES} bytes`);
  }
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    throw new PrivateFileError(`cannot read ${path}: ${reason(error)}`);
  }
}

/** Reads a private key file. */
export function readPrivateKey(path: string): SecretPem {
  return new SecretPem(readPrivateFile(path));
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
