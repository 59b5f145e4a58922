import { TlsError } from "./error.ts";

/** Longest accepted bundle of certificates, in characters. */
export const pemBundleMaxChars = 1024 * 1024;
/** Most certificates accepted in one bundle. */
export const pemBundleMaxCertificates = 256;

const certificateBlock = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/**
 * The certificates of a PEM bundle, one PEM text each, in the order of the file. Text between the
 * blocks (comments, dumps of other tools) is skipped.
 *
 * @throws TlsError INVALID_PEM when there is no certificate in it or the bundle exceeds its bounds.
 */
export function splitPemBundle(bundlePem: string): string[] {
  if (bundlePem.length > pemBundleMaxChars) {
    throw new TlsError("INVALID_PEM", `certificate bundle is longer than ${pemBundleMaxChars}`);
  }
  const found = bundlePem.match(certificateBlock) ?? [];
  if (found.length === 0) {
    throw new TlsError("INVALID_PEM", "no BEGIN CERTIFICATE block found in the certificate bundle");
  }
  if (found.length > pemBundleMaxCertificates) {
    throw new TlsError(
      "INVALID_PEM",
      `certificate bundle holds more than ${pemBundleMaxCertificates} certificates`,
    );
  }
  return found.map((pem) => pem + "\n");
}

/**
 * The DER form of one PEM text.
 *
 * @throws TlsError INVALID_PEM when what stands between the markers is not base64.
 */
export function derOfPem(pem: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.fromBase64(pem.replace(/-----[^-]*-----/g, "").replace(/\s+/g, ""));
  } catch (cause) {
    throw new TlsError("INVALID_PEM", "the certificate is not base64", { cause });
  }
}

/** Joins certificates to one bundle, leaving out repeated ones. */
export function joinPemBundle(certificates: Iterable<string>): string {
  return [...new Set(Array.from(certificates, (pem) => pem.trim()))].join("\n") + "\n";
}
