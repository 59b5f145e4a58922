import type { SecretPem } from "../secret/mod.ts";
import type { SpiffeId } from "../certificate/mod.ts";

/** An X.509-SVID with its key. */
export interface X509Svid {
  readonly id: SpiffeId;
  /** Leaf first, then intermediates. */
  readonly chainPem: string;
  readonly keyPem: SecretPem;
  readonly serialHex: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** What a node's SPIFFE agent gives a process: who it is, and whom it may believe. */
export interface SvidSet {
  /** In the agent's order; the first one is the default. At least one. */
  readonly svids: readonly X509Svid[];
  /** CA certificates as PEM by trust domain, the federated ones included. */
  readonly bundles: ReadonlyMap<string, string>;
}

/** One of the SVIDs with the bundles that came along. */
export interface SvidIdentity {
  readonly svid: X509Svid;
  readonly bundles: ReadonlyMap<string, string>;
}

/**
 * The bundles that peers are judged by: the SVID's own trust domain, and of the others those that
 * the configuration names. A bundle that came without being asked for makes nobody trusted.
 */
export function trustedDomains(
  { svid, bundles }: SvidIdentity,
  federatesWith: readonly string[],
): ReadonlyMap<string, string> {
  const named = new Set([svid.id.trustDomain, ...federatesWith]);
  return new Map([...bundles].filter(([trustDomain]) => named.has(trustDomain)));
}
