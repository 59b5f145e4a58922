import { isIP } from "node:net";
import {
  issueServerCertificate,
  journalCommonName,
  journalSpiffeId,
  loadCa,
} from "../../common/tls/mod.ts";
import { refuseExisting } from "./init_ca.ts";
import { PrivateFileError, readPrivateKey } from "./private_file.ts";

/** Whose certificate, for which hosts, from which CA. */
export interface MemberCertificateOptions {
  /** Where `ca.crt` and `ca.key` are. */
  readonly caDirectory: string;
  /** The member's node id. */
  readonly memberId: number;
  /** Names and addresses under which clients and other members dial the member; at least one. */
  readonly hosts: readonly string[];
  readonly domainId: string;
  readonly validDays: number;
  /** A directory for the files, made where it is not there. */
  readonly out: string;
  readonly now: Date;
}

/** Files of a member. */
export interface MemberFiles {
  readonly certPath: string;
  readonly keyPath: string;
  readonly caPath: string;
}

/** What a client on the member's own host dials. */
const LOCAL_HOSTS = ["localhost", "127.0.0.1", "::1"];

/**
 * Issues the certificate by which a member is known to the others and to clients (JRN-53, AUT-11),
 * and writes `node.crt`, `node.key` (mode 0600) and `ca.crt`, for the settings `journal.tls.cert`,
 * `key` and `ca`. Existing files are never overwritten.
 *
 * @throws {PrivateFileError | TlsError} saying which name or file cannot be used
 */
export async function issueMember(options: MemberCertificateOptions): Promise<MemberFiles> {
  const { caDirectory, memberId, hosts, domainId, out, now } = options;
  requireHosts(hosts);
  const certPem = await readText(`${caDirectory}/ca.crt`);
  const keyPem = readPrivateKey(`${caDirectory}/ca.key`);
  const ca = await loadCa({ certPem, keyPem, now });
  const issued = await issueServerCertificate(ca, {
    commonName: journalCommonName(memberId),
    uris: [journalSpiffeId(domainId, memberId)],
    hosts: [...hosts, ...LOCAL_HOSTS],
    lifetimeSeconds: options.validDays * 86_400,
    now,
  });
  const files = {
    certPath: `${out}/node.crt`,
    keyPath: `${out}/node.key`,
    caPath: `${out}/ca.crt`,
  };
  for (const path of Object.values(files)) await refuseExisting(path);
  await Deno.mkdir(out, { recursive: true, mode: 0o755 });
  const write = (path: string, text: string, mode: number) =>
    Deno.writeTextFile(path, text, { createNew: true, mode });
  await write(files.keyPath, issued.keyPem.reveal(), 0o600);
  await write(files.certPath, issued.fullChainPem, 0o644);
  await write(files.caPath, certPem, 0o644);
  return files;
}

function requireHosts(hosts: readonly string[]): void {
  const wrong = hosts.find((host) => isIP(host) === 0 && !HOST_NAME.test(host));
  if (wrong === undefined) return;
  throw new PrivateFileError(`'${wrong}' is neither a host name nor an IP address`);
}

const HOST_NAME =
  /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})(?:\.[A-Za-z0-9][A-Za-z0-9-]{0,62})*$/;

async function readText(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new PrivateFileError(`there is no ${path}: make a CA with init-ca, or name its --ca-dir`);
  }
}
