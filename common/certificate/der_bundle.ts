import { DerReader, derTag } from "./der.ts";
import { TlsError } from "./error.ts";
import { pemBundleMaxCertificates } from "./pem.ts";

/**
 * The certificates of a sequence of DER encodings that follow each other without anything between, as
 * SPIFFE's interfaces carry chains and bundles.
 *
 * @throws TlsError INVALID_CERTIFICATE unless all of it is 1 to `maxCertificates` DER structures.
 */
export function splitDerBundle(
  bytes: Uint8Array,
  maxCertificates: number = pemBundleMaxCertificates,
): Uint8Array<ArrayBuffer>[] {
  const reader = new DerReader(bytes);
  const certificates: Uint8Array<ArrayBuffer>[] = [];
  let start = 0;
  while (!reader.isAtEnd) {
    if (certificates.length === maxCertificates) {
      throw new TlsError("INVALID_CERTIFICATE", `more than ${maxCertificates} certificates`);
    }
    const content = reader.expect(derTag.sequence);
    const end = content.byteOffset - bytes.byteOffset + content.length;
    certificates.push(bytes.slice(start, end));
    start = end;
  }
  if (certificates.length === 0) throw new TlsError("INVALID_CERTIFICATE", "no certificate");
  return certificates;
}

/** The PEM form of one DER encoding (RFC 7468). */
export function pemOfDer(der: Uint8Array, label: "CERTIFICATE" | "PRIVATE KEY"): string {
  const lines = der.toBase64().match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}
