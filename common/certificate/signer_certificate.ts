import { verify, X509Certificate as NativeCertificate } from "node:crypto";
import { TlsError } from "./error.ts";
import { splitPemBundle } from "./pem.ts";

/** A certificate that signatures are checked by: ECDSA with SHA-256, r and s one after the other. */
export class SignerCertificate {
  readonly subject: string;
  readonly #certificate: NativeCertificate;

  /** @throws TlsError INVALID_CERTIFICATE when it cannot be read. */
  constructor(certificatePem: string) {
    this.#certificate = parse(certificatePem);
    this.subject = this.#certificate.subject.replaceAll("\n", ", ").replaceAll(/\p{Cc}/gu, "?");
  }

  /** Whether `signature` over `bytes` was made with this certificate's key. */
  verifies(bytes: Uint8Array, signature: Uint8Array): boolean {
    const key = { key: this.#certificate.publicKey, dsaEncoding: "ieee-p1363" as const };
    try {
      return verify("sha256", bytes, key, signature);
    } catch {
      // A signature of a wrong length, or a key of another kind.
      return false;
    }
  }

  /** Whether it was valid at that moment. */
  isValidAt(epochMs: number): boolean {
    const { validFrom, validTo } = this.#certificate;
    return Date.parse(validFrom) <= epochMs && epochMs <= Date.parse(validTo);
  }

  /** Whether it is one of the certificates of a bundle, or was issued by one of them. */
  leadsTo(bundlePem: string): boolean {
    return splitPemBundle(bundlePem).map(parse).some((anchor) =>
      anchor.fingerprint256 === this.#certificate.fingerprint256 ||
      (anchor.ca && this.#certificate.checkIssued(anchor) &&
        this.#certificate.verify(anchor.publicKey))
    );
  }
}

function parse(certificatePem: string): NativeCertificate {
  try {
    return new NativeCertificate(certificatePem);
  } catch (cause) {
    throw new TlsError("INVALID_CERTIFICATE", "the certificate cannot be read", { cause });
  }
}
