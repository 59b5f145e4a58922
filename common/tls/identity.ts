import { TlsError } from "./error.ts";

/** The role of the node agents' certificates (API-5). */
export const agentRole = "pact-service-agent";

/** Node and domain as a certificate states them. */
export interface NodeIdentity {
  nodeId: string;
  domainId: string;
}

/** Longest name that fits the common name of RFC 5280 (64 characters) is not enough: DNS's is 63. */
const namePattern = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;

/** Whether the text can stand as a node or domain id in certificates. */
export function isCertifiableName(name: string): boolean {
  return namePattern.test(name);
}

/** The common name of a node's certificate: `pact-service-agent/NODE@DOMAIN`. */
export function agentCommonName({ nodeId, domainId }: NodeIdentity): string {
  return `${agentRole}/${nodeId}@${domainId}`;
}

/** The URI name of a node's certificate: `spiffe://DOMAIN/pact/agent/NODE`. */
export function agentSpiffeId({ nodeId, domainId }: NodeIdentity): string {
  return `spiffe://${domainId}/pact/agent/${nodeId}`;
}

/** Reads `pact-service-agent/NODE@DOMAIN`; undefined when the text is of another form. */
export function parseAgentCommonName(commonName: string): NodeIdentity | undefined {
  const match = /^pact-service-agent\/([^/@]+)@([^/@]+)$/.exec(commonName);
  return checkedIdentity(match?.[1], match?.[2]);
}

/** Reads `spiffe://DOMAIN/pact/agent/NODE`; undefined when the text is of another form. */
export function parseAgentSpiffeId(uri: string): NodeIdentity | undefined {
  const match = /^spiffe:\/\/([^/]+)\/pact\/agent\/([^/]+)$/.exec(uri);
  return checkedIdentity(match?.[2], match?.[1]);
}

/** Reads a journal member's number from CN `journal-N` (AUT-11). */
export function parseJournalCommonName(commonName: string): number | undefined {
  return checkedMember(/^journal-(\d{1,9})$/.exec(commonName)?.[1]);
}

/** Reads a journal member's number from `spiffe://DOMAIN/pact/journal/N` (AUT-11). */
export function parseJournalSpiffeId(uri: string): number | undefined {
  return checkedMember(/^spiffe:\/\/[^/]+\/pact\/journal\/(\d{1,9})$/.exec(uri)?.[1]);
}

/** @throws TlsError INVALID_NAME naming the part that cannot stand in a certificate. */
export function requireCertifiable({ nodeId, domainId }: NodeIdentity): void {
  for (const [what, name] of [["node id", nodeId], ["domain id", domainId]] as const) {
    if (!isCertifiableName(name)) {
      throw new TlsError(
        "INVALID_NAME",
        `${what} '${name}' cannot stand in a certificate: use 1 to 63 letters, digits, '.', '_' ` +
          "or '-', beginning and ending with a letter or digit",
      );
    }
  }
}

function checkedIdentity(nodeId?: string, domainId?: string): NodeIdentity | undefined {
  if (nodeId === undefined || domainId === undefined) return undefined;
  return isCertifiableName(nodeId) && isCertifiableName(domainId)
    ? { nodeId, domainId }
    : undefined;
}

function checkedMember(digits?: string): number | undefined {
  return digits === undefined ? undefined : Number(digits);
}
