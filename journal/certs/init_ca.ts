import { createCa } from "../../common/tls/mod.ts";
import { PrivateFileError } from "./private_file.ts";

/** Ten years, as long as the machines of a site live. */
const VALID_DAYS = 3650;

/** Files of a new CA. */
export interface CaFiles {
  readonly certPath: string;
  readonly keyPath: string;
}

/**
 * Makes a CA and writes `ca.crt` and `ca.key` (mode 0600) into `directory`, for the settings
 * `journal.enrollment.ca_cert` and `ca_key` (CRT-2). Existing files are never overwritten.
 *
 * @throws {PrivateFileError} when there is one of the files already.
 */
export async function initCa(directory: string, now: Date): Promise<CaFiles> {
  const files = { certPath: `${directory}/ca.crt`, keyPath: `${directory}/ca.key` };
  // Both before either is written: half a CA would be of no use, and in the way the next time.
  for (const path of Object.values(files)) await refuseExisting(path);
  const ca = await createCa({ commonName: "pact CA", validDays: VALID_DAYS, now });
  await Deno.mkdir(directory, { recursive: true, mode: 0o755 });
  await Deno.writeTextFile(files.keyPath, ca.keyPem.reveal(), { createNew: true, mode: 0o600 });
  await Deno.writeTextFile(files.certPath, ca.certPem, { createNew: true, mode: 0o644 });
  return files;
}

/** @throws {PrivateFileError} when there is something at the path */
export async function refuseExisting(path: string): Promise<void> {
  try {
    await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  throw new PrivateFileError(
    `${path} exists already: certificates and keys are never overwritten, name another --out`,
  );
}
