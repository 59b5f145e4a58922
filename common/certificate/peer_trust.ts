import type { CertificateUse } from "./certificate_facts.ts";
import { asSvid, type PeerCertificate, spiffeIdOf } from "./peer_certificate.ts";
import { type ChainOptions, type LeafChain, TrustBundle } from "./trust.ts";

/** Who may vouch for peers, as PEM. */
export interface TrustRoots {
  /** The CAs of pact itself and of the site. */
  readonly caPem?: string | undefined;
  /** The bundles of SPIFFE trust domains by their names: each vouches for its own names only. */
  readonly trustDomains?: ReadonlyMap<string, string> | undefined;
}

/** A peer's certificate with the names that count, and the chain that they rest on. */
export interface JudgedPeer {
  readonly certificate: PeerCertificate;
  readonly chain: LeafChain;
}

const nobody: LeafChain = {
  isFound: false,
  verdictAt: () => ({ trusted: false, reason: "not issued by a CA of the trust bundle" }),
};

/** Decides who vouches for a peer, and so by which of its names it is known. */
export class PeerTrust {
  readonly #own: TrustBundle | undefined;
  readonly #domains: ReadonlyMap<string, TrustBundle>;

  /** @throws TlsError INVALID_PEM or INVALID_CERTIFICATE for what is no bundle. */
  constructor({ caPem, trustDomains = new Map() }: TrustRoots) {
    this.#own = caPem === undefined || caPem.trim() === "" ? undefined : new TrustBundle(caPem);
    this.#domains = new Map(
      [...trustDomains].map(([name, pem]) => [name, new TrustBundle(pem)] as const),
    );
  }

  /**
   * A certificate whose SPIFFE ID lies in one of the trust domains and that its bundle leads to is an
   * SVID; every other one is for pact's own CAs to vouch for. No trust domain ever vouches for
   * another's names.
   *
   * @throws Error when the certificate cannot be read.
   */
  judge(certificate: PeerCertificate, options: ChainOptions = {}): JudgedPeer {
    const id = spiffeIdOf(certificate);
    const bundle = id === undefined ? undefined : this.#domains.get(id.trustDomain);
    // The handshake has met the CAs of all of them at once, and does not say whose it was.
    const known = this.#domains.size === 0 ? options : { ...options, isSignatureKnown: false };
    if (id !== undefined && bundle !== undefined) {
      const chain = bundle.chainOf(certificate, known);
      if (chain.isFound) return { certificate: asSvid(certificate, id), chain };
    }
    return { certificate, chain: this.#own?.chainOf(certificate, known) ?? nobody };
  }

  /** {@link judge}, and whether the certificate is trusted for this use now. */
  isTrusted(
    certificate: PeerCertificate,
    use: CertificateUse,
    now: Date,
    options: ChainOptions = {},
  ): boolean {
    return this.judge(certificate, options).chain.verdictAt(use, now).trusted;
  }
}

/** Every CA of the roots in one PEM text, as the TLS layer wants them. */
export function rootsPem({ caPem, trustDomains = new Map() }: TrustRoots): string {
  return [caPem ?? "", ...trustDomains.values()].filter((pem) => pem.trim() !== "").join("\n");
}
