import { X509Certificate as NativeCertificate } from "node:crypto";
import { TlsError } from "./error.ts";
import { splitPemBundle } from "./pem.ts";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  X509Certificate,
} from "./x509.ts";

/** Why a certificate is not trusted. */
export type DistrustReason =
  | "malformed certificate"
  | "not yet valid"
  | "expired"
  | "not meant for this use"
  | "not issued by a CA of the trust bundle";

/** The outcome of a chain check. */
export type ChainVerdict = { trusted: true } | { trusted: false; reason: DistrustReason };

/** How a leaf is about to be used. */
export type CertificateUse = "client" | "server";

interface ParsedCertificate {
  certificate: X509Certificate;
  native: NativeCertificate;
}

/**
 * A set of CA certificates that peers' chains must lead to. Each of them is an anchor of its own,
 * intermediates too: the bundle says whom to trust, not who signed whom (CRT-1, CRT-2).
 */
export class TrustBundle {
  readonly #authorities: ParsedCertificate[];

  /** @throws TlsError INVALID_PEM, or INVALID_CERTIFICATE naming the position of the bad one. */
  constructor(readonly pem: string) {
    this.#authorities = splitPemBundle(pem).map((certPem, index) => {
      try {
        return parse(certPem);
      } catch (cause) {
        throw new TlsError(
          "INVALID_CERTIFICATE",
          `certificate ${index + 1} of the trust bundle cannot be read`,
          { cause },
        );
      }
    });
  }

  /**
   * Whether the leaf is valid at `now`, meant for the use and issued by a CA of this bundle that is
   * valid at `now` too. Revocation is not part of this: the runtime ignores CRLs, so the caller
   * compares serials with its own records (CRT-6).
   */
  verify(leaf: Uint8Array | string, use: CertificateUse, now: Date): ChainVerdict {
    try {
      return this.#verdict(parse(leaf), use, now);
    } catch {
      // Extensions are parsed when first read, so a certificate may show that late that it is none.
      return distrust("malformed certificate");
    }
  }

  #verdict(parsed: ParsedCertificate, use: CertificateUse, now: Date): ChainVerdict {
    if (now < parsed.certificate.notBefore) return distrust("not yet valid");
    if (now > parsed.certificate.notAfter) return distrust("expired");
    if (!isMeantFor(parsed.certificate, use)) return distrust("not meant for this use");
    const issuer = this.#authorities.find((authority) =>
      isAuthorityAt(authority.certificate, now) && issued(authority, parsed)
    );
    return issuer === undefined
      ? distrust("not issued by a CA of the trust bundle")
      : { trusted: true };
  }
}

function parse(encoded: Uint8Array | string): ParsedCertificate {
  const certificate = new X509Certificate(
    typeof encoded === "string" ? encoded : new Uint8Array(encoded),
  );
  return { certificate, native: new NativeCertificate(certificate.toString("pem")) };
}

function distrust(reason: DistrustReason): ChainVerdict {
  return { trusted: false, reason };
}

function isMeantFor(leaf: X509Certificate, use: CertificateUse): boolean {
  const usages = leaf.getExtension(ExtendedKeyUsageExtension)?.usages ?? [];
  return usages.includes(
    use === "client" ? ExtendedKeyUsage.clientAuth : ExtendedKeyUsage.serverAuth,
  );
}

function isAuthorityAt(authority: X509Certificate, now: Date): boolean {
  const usages = authority.getExtension(KeyUsagesExtension)?.usages;
  return authority.getExtension(BasicConstraintsExtension)?.ca === true &&
    (usages === undefined || (usages & KeyUsageFlags.keyCertSign) !== 0) &&
    authority.notBefore <= now && now <= authority.notAfter;
}

function issued(authority: ParsedCertificate, leaf: ParsedCertificate): boolean {
  try {
    return leaf.native.checkIssued(authority.native) &&
      leaf.native.verify(authority.native.publicKey);
  } catch {
    return false;
  }
}
