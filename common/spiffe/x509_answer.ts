/** Reads what the Workload API answers; everything in it is checked here, once. */
import type { spiffe } from "../../api/mod.ts";
import { SecretPem } from "../secret/mod.ts";
import {
  joinPemBundle,
  parsePeerCertificate,
  parseSpiffeId,
  PeerTrust,
  pemOfDer,
  requireMatchingKey,
  type SpiffeId,
  spiffeIdOf,
  splitDerBundle,
  splitPemBundle,
  TlsError,
  TrustBundle,
} from "../certificate/mod.ts";
import { SpiffeError } from "./error.ts";
import type { SvidSet, X509Svid } from "./svid.ts";

/** Most identities of one process. */
const MAX_SVIDS = 32;
/** Longest chain of one SVID. */
const MAX_CHAIN = 8;
/** Most foreign trust domains. */
const MAX_FEDERATED = 128;
/** Largest private key: RSA with 8192 bits takes less. */
const MAX_KEY_BYTES = 16 * 1024;

/**
 * The identities and bundles of an answer. Whether they are valid now is not asked here.
 *
 * @throws SpiffeError NO_IDENTITY for an answer without an SVID, MALFORMED naming what cannot be used.
 */
export function readX509Answer(answer: spiffe.X509SVIDResponse): SvidSet {
  if (answer.svids.length === 0) {
    throw new SpiffeError("NO_IDENTITY", "the agent has no X.509-SVID for this process");
  }
  if (answer.svids.length > MAX_SVIDS) throw malformed(`more than ${MAX_SVIDS} SVIDs`);
  const bundles = new Map<string, string>();
  const svids = answer.svids.map((wire, index) => {
    try {
      return readSvid(wire, bundles);
    } catch (error) {
      throw asMalformed(`SVID ${index + 1}`, error);
    }
  });
  readFederated(answer.federatedBundles, bundles);
  return { svids, bundles };
}

function readSvid(wire: spiffe.X509SVID, bundles: Map<string, string>): X509Svid {
  const id = parseSpiffeId(wire.spiffeId);
  if (id === undefined || id.path === "") {
    throw malformed("its SPIFFE ID is not of the form spiffe://TRUST_DOMAIN/PATH");
  }
  const [leafDer, ...intermediates] = splitDerBundle(wire.x509Svid, MAX_CHAIN);
  if (leafDer === undefined) throw malformed("it has no certificate");
  const leaf = parsePeerCertificate(leafDer);
  if (spiffeIdOf(leaf)?.uri !== id.uri) {
    throw malformed(`the one URI of its certificate is not ${id.uri}`);
  }
  if (leaf.isAuthority) throw malformed("its certificate is one of a CA");
  const keyPem = readKey(wire.x509SvidKey);
  const chainPem = [leafDer, ...intermediates].map((der) => pemOfDer(der, "CERTIFICATE")).join("");
  requireMatchingKey(chainPem, keyPem);

  const bundlePem = readBundle(wire.bundle);
  const trust = new PeerTrust({ trustDomains: new Map([[id.trustDomain, bundlePem]]) });
  if (!trust.judge(leaf, { intermediates: () => intermediates }).chain.isFound) {
    throw malformed("its chain does not lead to its own bundle");
  }
  const known = bundles.get(id.trustDomain);
  const before = known === undefined ? [] : splitPemBundle(known);
  bundles.set(id.trustDomain, joinPemBundle([...before, ...splitPemBundle(bundlePem)]));
  return {
    id,
    chainPem,
    keyPem,
    serialHex: leaf.serialHex,
    notBeforeMs: leaf.notBefore.getTime(),
    notAfterMs: leaf.notAfter.getTime(),
  };
}

function readKey(der: Uint8Array): SecretPem {
  if (der.length === 0 || der.length > MAX_KEY_BYTES) throw malformed("its key has no usable size");
  return new SecretPem(pemOfDer(der, "PRIVATE KEY"));
}

/** A bundle's certificates as PEM; at least one of them must be a CA's. */
function readBundle(der: Uint8Array): string {
  const pem = splitDerBundle(der).map((certificate) => pemOfDer(certificate, "CERTIFICATE"));
  const bundlePem = joinPemBundle(pem);
  if (new TrustBundle(bundlePem).isEmpty) throw malformed("its bundle holds no CA certificate");
  return bundlePem;
}

function readFederated(
  wire: Readonly<Record<string, Uint8Array>>,
  bundles: Map<string, string>,
): void {
  const entries = Object.entries(wire);
  if (entries.length > MAX_FEDERATED) throw malformed(`more than ${MAX_FEDERATED} trust domains`);
  for (const [name, der] of entries) {
    const trustDomain = readTrustDomain(name);
    if (bundles.has(trustDomain)) {
      throw malformed(`trust domain ${trustDomain} is its own and a foreign one`);
    }
    // A domain whose CAs are not known yet: it vouches for nobody.
    if (der.length === 0) continue;
    try {
      bundles.set(trustDomain, readBundle(der));
    } catch (error) {
      throw asMalformed(`the bundle of ${trustDomain}`, error);
    }
  }
}

function readTrustDomain(name: string): string {
  const id: SpiffeId | undefined = parseSpiffeId(name);
  if (id === undefined || id.path !== "") throw malformed("a bundle is of no trust domain");
  return id.trustDomain;
}

function malformed(what: string): SpiffeError {
  return new SpiffeError("MALFORMED", what);
}

function asMalformed(where: string, error: unknown): unknown {
  const isKnown = error instanceof SpiffeError || error instanceof TlsError;
  return isKnown ? malformed(`${where}: ${error.message}`) : error;
}
