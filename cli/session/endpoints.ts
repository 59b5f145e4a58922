import { EndpointError, isPlaintextToRemote, parseEndpoint } from "../../common/rpc/mod.ts";
import { SecretPem } from "../../common/secret/mod.ts";
import { DEFAULT_CA_FILE, reasonOf, type Settings } from "../config/mod.ts";
import { EXIT, Failure, usageFailure } from "../failure/mod.ts";

/** Largest certificate or key file read, in bytes. */
const MAX_PEM_BYTES = 1024 * 1024;

/** Certificates for the connections of a command. */
export interface TlsFiles {
  readonly caPem: string | undefined;
  readonly certPem: string | undefined;
  readonly keyPem: SecretPem | undefined;
}

/**
 * Reads the CA and, where configured, a client certificate with its key. The default CA file is used
 * when it exists (CLI-2).
 *
 * @throws {Failure} exit 1 for a configured file that cannot be read.
 */
export async function loadTlsFiles(settings: Settings): Promise<TlsFiles> {
  if ((settings.certFile === undefined) !== (settings.keyFile === undefined)) {
    throw usageFailure("--cert and --key belong together: give both or neither");
  }
  const caPem = settings.caFile === undefined
    ? await readPem(DEFAULT_CA_FILE, "CA", false)
    : await readPem(settings.caFile, "CA", true);
  const certPem = settings.certFile && await readPem(settings.certFile, "certificate", true);
  const keyPem = settings.keyFile && await readPem(settings.keyFile, "key", true);
  return {
    caPem,
    certPem,
    keyPem: keyPem === undefined || keyPem === "" ? undefined : new SecretPem(keyPem),
  };
}

async function readPem(
  path: string,
  what: string,
  required: boolean,
): Promise<string | undefined> {
  try {
    const { size } = await Deno.stat(path);
    if (size > MAX_PEM_BYTES) throw new Error(`larger than ${MAX_PEM_BYTES} bytes`);
    return await Deno.readTextFile(path);
  } catch (error) {
    if (!required) return undefined;
    throw usageFailure(`cannot read the ${what} file ${path}: ${reasonOf(error)}`);
  }
}

/**
 * An address as URL: TLS by default when a CA is known (CLI-5).
 *
 * @throws {Failure} exit 1 when it is no address, or a token would cross the network in clear text
 *   without leave (CLI-6).
 */
export function endpointUrl(
  address: string,
  hasCa: boolean,
  defaultPort: number,
  allowPlaintext: boolean,
): string {
  const endpoint = parse(address, hasCa, defaultPort);
  if (!allowPlaintext && isPlaintextToRemote(endpoint)) {
    throw new Failure(
      "PLAINTEXT_REFUSED",
      "refusing to send credentials over plaintext",
      EXIT.general,
      [
        `${endpoint} is not this machine and not encrypted`,
        "use https:// and --ca FILE; for a site without TLS give --insecure-plaintext, or set " +
        "allow_plaintext = true",
      ],
    );
  }
  return endpoint;
}

function parse(address: string, hasCa: boolean, defaultPort: number): string {
  try {
    return parseEndpoint(address, { hasCa, defaultPort });
  } catch (error) {
    if (error instanceof EndpointError) throw usageFailure(error.message);
    throw error;
  }
}
