import { type CertificateFacts, readCertificateFacts } from "./certificate_facts.ts";
import {
  parseAgentCommonName,
  parseAgentSpiffeId,
  parseJournalCommonName,
  parseJournalSpiffeId,
} from "./identity.ts";
import { derOfPem, splitPemBundle } from "./pem.ts";
import { pactPartOf, parseSpiffeId, type SpiffeId } from "./spiffe_id.ts";

/**
 * Whom a certificate names (API-5, AUT-11). This says nothing about trust: the chain, the validity
 * and the revocation are checked apart.
 */
export type PeerCertificate =
  & CertificateFacts
  & {
    /** The name that a SPIFFE trust domain vouches for; set by {@link PeerTrust} alone. */
    readonly svid?: SpiffeId;
  }
  & (
    | { kind: "agent"; nodeId: string; domainId: string }
    | { kind: "journal"; memberId: number }
    | { kind: "other" }
  );

/**
 * Reads a peer's certificate from DER or PEM. A certificate whose common name and URI name
 * different nodes is of kind `other`: it identifies nobody.
 *
 * @throws TlsError INVALID_CERTIFICATE when it cannot be parsed.
 */
export function parsePeerCertificate(certificate: Uint8Array | string): PeerCertificate {
  const facts = readFacts(certificate);
  const agents = [
    parseAgentCommonName(facts.commonName),
    ...facts.uris.map(parseAgentSpiffeId),
  ].filter((identity) => identity !== undefined);
  const members = [
    parseJournalCommonName(facts.commonName),
    ...facts.uris.map(parseJournalSpiffeId),
  ].filter((member) => member !== undefined);

  const [agent] = agents;
  const [memberId] = members;
  if (agent !== undefined && memberId === undefined) {
    const agreed = agents.every((other) =>
      other.nodeId === agent.nodeId && other.domainId === agent.domainId
    );
    return agreed ? { ...facts, kind: "agent", ...agent } : { ...facts, kind: "other" };
  }
  if (memberId !== undefined && agent === undefined) {
    const agreed = members.every((other) => other === memberId);
    return agreed ? { ...facts, kind: "journal", memberId } : { ...facts, kind: "other" };
  }
  return { ...facts, kind: "other" };
}

/**
 * The SPIFFE ID of an X.509-SVID: the one URI it has (X509-SVID.md 2). Undefined for a certificate
 * with none, several, or one that is no SPIFFE ID.
 */
export function spiffeIdOf({ uris }: Pick<CertificateFacts, "uris">): SpiffeId | undefined {
  const [uri] = uris;
  return uri === undefined || uris.length > 1 ? undefined : parseSpiffeId(uri);
}

/**
 * Whom a certificate names that a SPIFFE trust domain vouches for: its SPIFFE ID alone counts, for a
 * trust domain's registrars choose common names freely.
 */
export function asSvid(facts: CertificateFacts, svid: SpiffeId): PeerCertificate {
  const part = pactPartOf(svid);
  switch (part?.kind) {
    case "agent":
      return { ...facts, svid, ...part, domainId: svid.trustDomain };
    case "journal":
      return { ...facts, svid, ...part };
    default:
      return { ...facts, svid, kind: "other" };
  }
}

function readFacts(encoded: Uint8Array | string): CertificateFacts {
  if (typeof encoded !== "string") return readCertificateFacts(encoded);
  const [pem = ""] = splitPemBundle(encoded);
  return readCertificateFacts(derOfPem(pem));
}
