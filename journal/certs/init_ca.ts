import { createCa } from "../../common/tls/mod.ts";

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
 */
export async function initCa(directory: string, now: Date): Promise<CaFiles> {
  const ca = await createCa({ commonName: "pact CA", validDays: VALID_DAYS, now });
  const files = { certPath: `${directory}/ca.crt`, keyPath: `${directory}/ca.key` };
  await Deno.mkdir(directory, { recursive: true, mode: 0o755 });
  await Deno.writeTextFile(files.keyPath, ca.keyPem.reveal(), { createNew: true, mode: 0o600 });
  await Deno.writeTextFile(files.certPath, ca.certPem, { createNew: true, mode: 0o644 });
  return files;
}
