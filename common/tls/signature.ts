import { verify, X509Certificate as NativeCertificate } from "node:crypto";
import type { CertificateAuthority } from "./ca.ts";
import { splitPemBundle, TlsError } from "../certificate/mod.ts";
import { keyAlgorithm } from "./keys.ts";

/**
 * Signs `bytes` with the key of a CA: ECDSA with SHA-256, r and s one after the other. What is
 * signed must begin with words that no certificate begins with.
 */
export async function signWithCa(
  ca: CertificateAuthority,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.sign(keyAlgorithm, ca.signer.privateKey, bytes));
}

/** A certificate that signatures of {@link signWithCa} are checked by. */
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
