import { type CertificateFacts, readCertificateFacts } from "./certificate_facts.ts";
import {
  parseAgentCommonName,
  parseAgentSpiffeId,
  parseJournalCommonName,
  parseJournalSpiffeId,
} from "./identity.ts";
import { derOfPem, splitPemBundle } from "./pem.ts";

/**
 * Whom a certificate names (API-5, AUT-11). This says nothing about trust: the chain, the validity
 * and the revocation are checked apart.
 */
export type PeerCertificate =
  & CertificateFacts
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

function readFacts(encoded: Uint8Array | string): CertificateFacts {
  if (typeof encoded !== "string") return readCertificateFacts(encoded);
  const [pem = ""] = splitPemBundle(encoded);
  return readCertificateFacts(derOfPem(pem));
}
