import { X509Certificate as NativeCertificate } from "node:crypto";
import {
  type CertificateFacts,
  type CertificateUse,
  derOfPem,
  readCertificateFacts,
  splitPemBundle,
  TlsError,
} from "../certificate/mod.ts";

/** Why a certificate is not trusted. */
export type DistrustReason =
  | "malformed certificate"
  | "not yet valid"
  | "expired"
  | "not meant for this use"
  | "not issued by a CA of the trust bundle";

/** The outcome of a chain check. */
export type ChainVerdict = { trusted: true } | { trusted: false; reason: DistrustReason };

/** A leaf whose signature has been checked against a bundle; what is left depends on the time. */
export interface LeafChain {
  /** Whether the leaf is valid at `now`, meant for the use, and its CA valid at `now` too. */
  verdictAt(use: CertificateUse, now: Date): ChainVerdict;
}

interface Authority {
  readonly facts: CertificateFacts;
  readonly native: NativeCertificate;
}

/**
 * A set of CA certificates that peers' chains must lead to. Each of them is an anchor of its own,
 * intermediates too: the bundle says whom to trust, not who signed whom (CRT-1, CRT-2).
 */
export class TrustBundle {
  readonly #authorities: Authority[];

  /** @throws TlsError INVALID_PEM, or INVALID_CERTIFICATE naming the position of the bad one. */
  constructor(readonly pem: string) {
    this.#authorities = splitPemBundle(pem).map((certPem, index) => {
      try {
        const facts = readCertificateFacts(derOfPem(certPem));
        return { facts, native: nativeOf(facts) };
      } catch (cause) {
        throw new TlsError(
          "INVALID_CERTIFICATE",
          `certificate ${index + 1} of the trust bundle cannot be read`,
          { cause },
        );
      }
    }).filter(({ facts }) => facts.isAuthority);
  }

  /**
   * Whether the leaf is valid at `now`, meant for the use and issued by a CA of this bundle that is
   * valid at `now` too. Revocation is not part of this: the runtime ignores CRLs, so the caller
   * compares serials with its own records (CRT-6).
   */
  verify(leaf: Uint8Array | string, use: CertificateUse, now: Date): ChainVerdict {
    try {
      const facts = readCertificateFacts(
        typeof leaf === "string" ? derOfPem(splitPemBundle(leaf)[0] ?? "") : leaf,
      );
      return this.chainOf(facts).verdictAt(use, now);
    } catch {
      return distrust("malformed certificate");
    }
  }

  /**
   * Finds the CA of a leaf, once for any number of verdicts: checking a signature costs hundreds of
   * microseconds, comparing times nothing.
   *
   * @param isSignatureKnown The TLS handshake has checked this leaf against this very bundle.
   * @throws Error when the leaf cannot be read.
   */
  chainOf(
    leaf: CertificateFacts,
    { isSignatureKnown = false }: { readonly isSignatureKnown?: boolean } = {},
  ): LeafChain {
    const native = nativeOf(leaf);
    const named = this.#authorities.filter((authority) => names(native, authority));
    // With several of one name the handshake does not say which of them it was.
    const issuers = isSignatureKnown && named.length === 1
      ? named
      : named.filter((authority) => signed(native, authority));
    return { verdictAt: (use, now) => verdictOf(leaf, issuers, use, now) };
  }
}

function verdictOf(
  leaf: CertificateFacts,
  issuers: readonly Authority[],
  use: CertificateUse,
  now: Date,
): ChainVerdict {
  if (now < leaf.notBefore) return distrust("not yet valid");
  if (now > leaf.notAfter) return distrust("expired");
  if (!leaf.uses.includes(use)) return distrust("not meant for this use");
  return issuers.some(({ facts }) => facts.notBefore <= now && now <= facts.notAfter)
    ? { trusted: true }
    : distrust("not issued by a CA of the trust bundle");
}

function nativeOf({ der }: CertificateFacts): NativeCertificate {
  return new NativeCertificate(der);
}

function distrust(reason: DistrustReason): ChainVerdict {
  return { trusted: false, reason };
}

/** Whether the leaf names this CA as its issuer. */
function names(leaf: NativeCertificate, authority: Authority): boolean {
  try {
    return leaf.checkIssued(authority.native);
  } catch {
    return false;
  }
}

function signed(leaf: NativeCertificate, authority: Authority): boolean {
  try {
    return leaf.verify(authority.native.publicKey);
  } catch {
    return false;
  }
}
