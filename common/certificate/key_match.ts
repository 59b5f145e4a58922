import type { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import { TlsError } from "./error.ts";
import { splitPemBundle } from "./pem.ts";
import type { SecretPem } from "../secret/mod.ts";

/**
 * Checks that a private key belongs to the first certificate of a chain, which the TLS layer itself
 * only finds out in the first handshake.
 *
 * @throws TlsError INVALID_PEM or INVALID_CERTIFICATE, INVALID_KEY, or KEY_MISMATCH.
 */
export function requireMatchingKey(certPem: string, keyPem: SecretPem): void {
  const certificate = readCertificate(splitPemBundle(certPem)[0] ?? "");
  const publicHalf = spki(publicHalfOf(keyPem));
  if (!publicHalf.equals(spki(certificate.publicKey))) {
    throw new TlsError(
      "KEY_MISMATCH",
      `the private key does not belong to the certificate '${certificate.subject}'`,
    );
  }
}

function readCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new TlsError("INVALID_CERTIFICATE", "the certificate cannot be read", { cause });
  }
}

function publicHalfOf(keyPem: SecretPem): KeyObject {
  try {
    return createPublicKey(createPrivateKey(keyPem.reveal()));
  } catch {
    // The cause is left out: it may quote the key.
    throw new TlsError("INVALID_KEY", "the private key cannot be read");
  }
}

function spki(key: KeyObject): Buffer {
  return key.export({ type: "spki", format: "der" });
}
