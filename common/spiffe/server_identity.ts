import type { PeerCertificate as NativePeer } from "node:tls";
import { checkServerIdentity } from "node:tls";
import type { Clock } from "../clock/mod.ts";
import type { IdentifyServer } from "../rpc/mod.ts";
import {
  type JudgedPeer,
  parsePeerCertificate,
  PeerTrust,
  rootsPem,
  type SpiffeId,
} from "../certificate/mod.ts";

/** Servers that are recognised by their SPIFFE ID instead of their host's name. */
export interface SpiffeServers {
  /** CAs of the servers that are recognised by their host's name. */
  readonly caPem?: string | undefined;
  /** Bundles of the trust domains that may vouch for servers, as PEM by their names. */
  readonly trustDomains: ReadonlyMap<string, string>;
  /** Whether the server of that SPIFFE ID is one to speak with. */
  readonly accepts: (id: SpiffeId) => boolean;
}

/** Most certificates above a server's own that are read. */
const INTERMEDIATES_MAX = 8;

/**
 * How a client recognises servers where some of them have SVIDs: those by their SPIFFE ID, which only
 * their own trust domain vouches for, and every other by the host's name under the CAs of `caPem`.
 * What it returns goes to `createRpcTransport`.
 *
 * @throws TlsError for a bundle that cannot be read.
 */
export function spiffeServers(
  { caPem, trustDomains, accepts }: SpiffeServers,
  clock: Pick<Clock, "nowMs">,
): { readonly caPem: string; readonly identifyServer: IdentifyServer } {
  const roots = { caPem, trustDomains };
  const trust = new PeerTrust(roots);
  const identifyServer: IdentifyServer = (host, native) => {
    const judged = judge(trust, native);
    if (judged === undefined) return untrusted("its certificate cannot be read");
    const { certificate: { svid }, chain } = judged;
    const verdict = chain.verdictAt("server", new Date(clock.nowMs()));
    if (!verdict.trusted) return untrusted(verdict.reason);
    if (svid === undefined) return checkServerIdentity(host, native);
    return accepts(svid)
      ? undefined
      : untrusted(`the server is ${svid.uri}, which is not one to speak with here`);
  };
  return { caPem: rootsPem(roots), identifyServer };
}

function judge(trust: PeerTrust, native: NativePeer): JudgedPeer | undefined {
  try {
    const intermediates = () => issuersOf(native);
    return trust.judge(parsePeerCertificate(native.raw), { intermediates });
  } catch {
    return undefined;
  }
}

function issuersOf(leaf: NativePeer): Uint8Array[] {
  const issuers: Uint8Array[] = [];
  let current: NativePeer | undefined = issuerOf(leaf);
  // Ends at the root, which names itself as its issuer, or after as many as are read.
  while (current !== undefined && issuers.length < INTERMEDIATES_MAX) {
    issuers.push(current.raw);
    const above = issuerOf(current);
    current = above === current ? undefined : above;
  }
  return issuers;
}

function issuerOf(certificate: NativePeer): NativePeer | undefined {
  const issuer: unknown = Reflect.get(certificate, "issuerCertificate");
  return isNativePeer(issuer) ? issuer : undefined;
}

function isNativePeer(value: unknown): value is NativePeer {
  return typeof value === "object" && value !== null && "raw" in value;
}

/** An error of the kind that the TLS layer raises for a certificate that is not trusted. */
function untrusted(reason: string): Error {
  return Object.assign(new Error(reason), { code: "CERT_UNTRUSTED" });
}
