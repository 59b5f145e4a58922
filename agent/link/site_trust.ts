import { splitPemBundle, TrustBundle } from "../../common/certificate/mod.ts";

/** The CAs of a site as its journals tell them. */
export interface ToldTrust {
  readonly trustBundlePem: string;
  /** Those that will be dropped soon; empty for none. */
  readonly leavingPem: string;
}

/**
 * Whether no CA that stays has issued the certificate: then it must be renewed before its own is
 * dropped (CRT-1a, NEN-9).
 *
 * @throws TlsError for bundles that cannot be read.
 */
export function isIssuerLeaving(
  certPem: string,
  { trustBundlePem, leavingPem }: ToldTrust,
  now: Date,
): boolean {
  if (trustBundlePem === "") return false;
  const leaving = new Set(leavingPem === "" ? [] : splitPemBundle(leavingPem));
  const staying = splitPemBundle(trustBundlePem).filter((pem) => !leaving.has(pem));
  return staying.length === 0 ||
    !new TrustBundle(staying.join("")).verify(certPem, "client", now).trusted;
}
