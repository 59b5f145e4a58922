import { X509Certificate as NativeCertificate } from "node:crypto";
import {
  type CertificateFacts,
  type CertificateUse,
  readCertificateFacts,
} from "./certificate_facts.ts";
import { TlsError } from "./error.ts";
import { derOfPem, splitPemBundle } from "./pem.ts";

/** Why a certificate is not trusted. */
export type DistrustReason =
  | "malformed certificate"
  | "not yet valid"
  | "expired"
  | "not meant for this use"
  | "not issued by a CA of the trust bundle";

/** The outcome of a chain check. */
export type ChainVerdict = { trusted: true } | { trusted: false; reason: DistrustReason };

/** What is known of a leaf beside the leaf itself. */
export interface ChainOptions {
  readonly isSignatureKnown?: boolean;
  readonly intermediates?: () => readonly Uint8Array[];
}

/** A leaf whose signature has been checked against a bundle; what is left depends on the time. */
export interface LeafChain {
  /** Whether a CA of the bundle has issued it, valid or not. */
  readonly isFound: boolean;
  /** Whether the leaf is valid at `now`, meant for the use, and its CA valid at `now` too. */
  verdictAt(use: CertificateUse, now: Date): ChainVerdict;
}

interface Authority {
  readonly facts: CertificateFacts;
  readonly native: NativeCertificate;
}

/** The CAs above a leaf, the one in the bundle last. */
type Path = readonly Authority[];

/** Intermediates that are looked at, and how many may stand between a leaf and the bundle. */
const maxIntermediates = 4;
const maxPathLength = 3;

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

  /** Whether there is no CA certificate in it: such a bundle trusts nobody. */
  get isEmpty(): boolean {
    return this.#authorities.length === 0;
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
   * @param intermediates What the peer presented with its leaf, DER, asked for only where needed.
   * @throws Error when the leaf cannot be read.
   */
  chainOf(
    leaf: CertificateFacts,
    { isSignatureKnown = false, intermediates = () => [] }: ChainOptions = {},
  ): LeafChain {
    const native = nativeOf(leaf);
    const named = this.#authorities.filter((authority) => names(native, authority));
    // With several of one name the handshake does not say which of them it was.
    const issuers = isSignatureKnown && named.length === 1
      ? named
      : named.filter((authority) => signed(native, authority));
    const paths: readonly Path[] = issuers.length > 0
      ? issuers.map((issuer) => [issuer])
      : pathsFrom(native, this.#authorities, readIntermediates(intermediates()), maxPathLength);
    return {
      isFound: paths.length > 0,
      verdictAt: (use, now) => verdictOf(leaf, paths, use, now),
    };
  }
}

/** Every way from a certificate through the given intermediates, each used once, to an authority. */
function pathsFrom(
  child: NativeCertificate,
  authorities: readonly Authority[],
  intermediates: readonly Authority[],
  longest: number,
): readonly Path[] {
  const issued = (issuer: Authority) => names(child, issuer) && signed(child, issuer);
  const direct = authorities.filter(issued);
  if (direct.length > 0 || longest === 0) return direct.map((authority) => [authority]);
  return intermediates.filter(issued).flatMap((issuer) => {
    const others = intermediates.filter((other) => other !== issuer);
    return pathsFrom(issuer.native, authorities, others, longest - 1)
      .map((path) => [issuer, ...path]);
  });
}

/** Those of the presented certificates that may issue others; what cannot be read issues nothing. */
function readIntermediates(presented: readonly Uint8Array[]): readonly Authority[] {
  return presented.slice(0, maxIntermediates).flatMap((der) => {
    try {
      const facts = readCertificateFacts(der);
      return facts.isAuthority ? [{ facts, native: nativeOf(facts) }] : [];
    } catch {
      return [];
    }
  });
}

function verdictOf(
  leaf: CertificateFacts,
  paths: readonly Path[],
  use: CertificateUse,
  now: Date,
): ChainVerdict {
  if (now < leaf.notBefore) return distrust("not yet valid");
  if (now > leaf.notAfter) return distrust("expired");
  if (!leaf.uses.includes(use)) return distrust("not meant for this use");
  const isValid = ({ facts }: Authority) => facts.notBefore <= now && now <= facts.notAfter;
  return paths.some((path) => path.every(isValid))
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
