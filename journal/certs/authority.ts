import {
  type CertificateAuthority,
  createCa,
  issueServerCertificate,
  loadCa,
} from "../../common/tls/mod.ts";
import type { SecretPem } from "../../common/secret/mod.ts";
import { type JournalSettings, memberHosts } from "../config/mod.ts";
import { readPrivateKey } from "./private_file.ts";

/** Days an ephemeral CA is valid; it ends with its process long before (CRT-1). */
const EPHEMERAL_DAYS = 365;

/** The CA that signs node certificates, and how it came to be. */
export interface Authority {
  readonly ca: CertificateAuthority;
  readonly isEphemeral: boolean;
}

/** The certificate a listener presents. */
export interface ListenerCertificate {
  readonly certPem: string;
  readonly keyPem: SecretPem;
}

/**
 * The provided CA (CRT-2), or a new one whose key exists in this process only (CRT-1).
 *
 * @throws {PrivateFileError | TlsError} when the provided files cannot be used.
 */
export async function openAuthority(settings: JournalSettings, now: Date): Promise<Authority> {
  if (settings.caCert === undefined || settings.caKey === undefined) {
    const commonName = `pact journal ${settings.nodeId} CA`;
    return {
      ca: await createCa({ commonName, validDays: EPHEMERAL_DAYS, now }),
      isEphemeral: true,
    };
  }
  const certPem = await Deno.readTextFile(settings.caCert);
  return {
    ca: await loadCa({ certPem, keyPem: readPrivateKey(settings.caKey), now }),
    isEphemeral: false,
  };
}

/**
 * The listener's certificate: the configured files, else one issued by the journal's own CA for the
 * names clients may dial (CRT-8, CRT-9).
 */
export async function listenerCertificate(
  settings: JournalSettings,
  authority: Authority,
  now: Date,
): Promise<ListenerCertificate> {
  if (settings.tlsCert !== undefined && settings.tlsKey !== undefined) {
    return {
      certPem: await Deno.readTextFile(settings.tlsCert),
      keyPem: readPrivateKey(settings.tlsKey),
    };
  }
  const issued = await issueServerCertificate(authority.ca, {
    commonName: `journal-${settings.nodeId}`,
    hosts: hostsOf(settings, Deno.hostname()),
    now,
  });
  return { certPem: issued.fullChainPem, keyPem: issued.keyPem };
}

/**
 * The names and addresses clients may dial this journal by (CRT-9): this machine's name, long and
 * short, the member's host, the bound address, and those of `journal.tls.hosts`.
 */
export function hostsOf(
  { listen, members, tlsHosts }: Pick<JournalSettings, "listen" | "members" | "tlsHosts">,
  hostname: string,
): string[] {
  const wildcards = ["0.0.0.0", "::"];
  return [
    ...new Set([
      "localhost",
      "127.0.0.1",
      "::1",
      hostname,
      hostname.split(".")[0] ?? hostname,
      ...(wildcards.includes(listen.hostname) ? [] : [listen.hostname]),
      ...memberHosts(members),
      ...tlsHosts,
    ].filter((host) => host !== "")),
  ];
}
