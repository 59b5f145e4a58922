import {
  type CertificateAuthority,
  createCa,
  issueServerCertificate,
  joinPemBundle,
  loadCa,
} from "../../common/tls/mod.ts";
import type { SecretPem } from "../../common/tls/mod.ts";
import type { JournalSettings } from "../config/mod.ts";
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
  const hosts = new Set(["localhost", "127.0.0.1", "::1", Deno.hostname(), ...settings.tlsHosts]);
  const bound = settings.listen.hostname;
  if (bound !== "0.0.0.0" && bound !== "::") hosts.add(bound);
  const issued = await issueServerCertificate(authority.ca, {
    commonName: `journal-${settings.nodeId}`,
    hosts: [...hosts],
    now,
  });
  return { certPem: issued.fullChainPem, keyPem: issued.keyPem };
}

/** Every CA certificate of the replicated bundle as one PEM text, `own` first. */
export function trustBundlePem(own: CertificateAuthority, others: readonly string[]): string {
  return joinPemBundle([own.certPem, ...others.filter((pem) => pem.trim() !== own.certPem.trim())]);
}
