import {
  joinPemBundle,
  type RandomBytes,
  randomSerialHex,
  splitPemBundle,
  systemRandomBytes,
  TlsError,
} from "../certificate/mod.ts";
import {
  exportPrivateKey,
  generateKeyPair,
  importSigningKey,
  keyAlgorithm,
  publicKeyOf,
} from "./keys.ts";
import type { SecretPem } from "../secret/mod.ts";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "./x509.ts";

/** A CA that can sign: its certificate, its parents if it is an intermediate, its key. */
export interface CertificateAuthority {
  /** The issuing certificate. */
  certPem: string;
  /** The issuing certificate first, then its parents: what travels with every leaf (CRT-2). */
  chainPem: string;
  keyPem: SecretPem;
  notAfter: Date;
  /** Parsed once; used by the issuing functions of this folder. */
  readonly signer: CaSigner;
}

/** What signing needs, ready for use. */
export interface CaSigner {
  certificate: X509Certificate;
  privateKey: CryptoKey;
  /** The extension that every certificate of this CA carries, made once. */
  authorityKeyIdentifier: AuthorityKeyIdentifierExtension;
}

/** How a CA is made. */
export interface CreateCaOptions {
  commonName: string;
  validDays: number;
  now: Date;
  randomBytes?: RandomBytes;
}

/** How far a certificate's start lies in the past, for clocks that differ (journal.md 9.5). */
export const clockSlackMs = 60_000;
const dayMs = 86_400_000;

/** Makes a self-signed ECDSA P-256 CA (CRT-1, CRT-2). */
export async function createCa(options: CreateCaOptions): Promise<CertificateAuthority> {
  const keys = await generateKeyPair();
  const authorityKeyIdentifier = await AuthorityKeyIdentifierExtension.create(keys.publicKey);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [options.commonName] }],
    keys,
    signingAlgorithm: keyAlgorithm,
    serialNumber: randomSerialHex(options.randomBytes ?? systemRandomBytes),
    notBefore: new Date(options.now.getTime() - clockSlackMs),
    notAfter: new Date(options.now.getTime() + options.validDays * dayMs),
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      authorityKeyIdentifier,
    ],
  });
  const certPem = certificate.toString("pem") + "\n";
  return {
    certPem,
    chainPem: certPem,
    keyPem: await exportPrivateKey(keys.privateKey),
    notAfter: certificate.notAfter,
    signer: { certificate, privateKey: keys.privateKey, authorityKeyIdentifier },
  };
}

/**
 * Takes a provided CA into use (CRT-2): the first certificate of `certPem` signs, further ones are
 * its parents.
 *
 * @throws TlsError INVALID_PEM or INVALID_CERTIFICATE when it is no CA certificate or out of its
 * validity, INVALID_KEY for the key, KEY_MISMATCH when key and certificate do not belong together.
 */
export async function loadCa(
  { certPem, keyPem, now }: { certPem: string; keyPem: SecretPem; now: Date },
): Promise<CertificateAuthority> {
  const chain = splitPemBundle(certPem);
  const certificate = parseCertificate(chain[0] ?? "");
  requireCa(certificate, now);
  const privateKey = await importSigningKey(keyPem);
  const derived = await publicKeyOf(privateKey);
  if (!sameBytes(derived.rawData, certificate.publicKey.rawData)) {
    throw new TlsError(
      "KEY_MISMATCH",
      `the private key does not belong to the CA certificate '${certificate.subject}'`,
    );
  }
  return {
    certPem: certificate.toString("pem") + "\n",
    chainPem: joinPemBundle(chain),
    keyPem,
    notAfter: certificate.notAfter,
    signer: {
      certificate,
      privateKey,
      authorityKeyIdentifier: await AuthorityKeyIdentifierExtension.create(certificate.publicKey),
    },
  };
}

function parseCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new TlsError("INVALID_CERTIFICATE", "the CA certificate cannot be read", { cause });
  }
}

function requireCa(certificate: X509Certificate, now: Date): void {
  const name = `'${certificate.subject}'`;
  if (certificate.getExtension(BasicConstraintsExtension)?.ca !== true) {
    throw new TlsError("INVALID_CERTIFICATE", `${name} is not a CA certificate`);
  }
  if (certificate.notAfter <= now || certificate.notBefore > now) {
    throw new TlsError(
      "INVALID_CERTIFICATE",
      `the CA certificate ${name} is valid from ${certificate.notBefore.toISOString()} to ` +
        `${certificate.notAfter.toISOString()}, which is not now`,
    );
  }
}

function sameBytes(left: ArrayBuffer, right: ArrayBuffer): boolean {
  return new Uint8Array(left).toHex() === new Uint8Array(right).toHex();
}
