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

/** The common name of a journal member's certificate: `journal-N`. */
export function journalCommonName(memberId: number): string {
  requireMemberId(memberId);
  return `journal-${memberId}`;
}

/** The URI name of a journal member's certificate: `spiffe://DOMAIN/pact/journal/N`. */
export function journalSpiffeId(domainId: string, memberId: number): string {
  requireMemberId(memberId);
  requireName("domain id", domainId);
  return `spiffe://${domainId}/pact/journal/${memberId}`;
}

/** Reads a journal member's number from CN `journal-N` (AUT-11). */
export function parseJournalCommonName(commonName: string): number | undefined {
  return checkedMember(/^journal-(\d{1,10})$/.exec(commonName)?.[1]);
}

/** Reads a journal member's number from `spiffe://DOMAIN/pact/journal/N` (AUT-11). */
export function parseJournalSpiffeId(uri: string): number | undefined {
  return checkedMember(/^spiffe:\/\/[^/]+\/pact\/journal\/(\d{1,10})$/.exec(uri)?.[1]);
}

/** @throws TlsError INVALID_NAME naming the part that cannot stand in a certificate. */
export function requireCertifiable({ nodeId, domainId }: NodeIdentity): void {
  requireName("node id", nodeId);
  requireName("domain id", domainId);
}

function requireName(what: string, name: string): void {
  if (isCertifiableName(name)) return;
  throw new TlsError(
    "INVALID_NAME",
    `${what} '${name}' cannot stand in a certificate: use 1 to 63 letters, digits, '.', '_' ` +
      "or '-', beginning and ending with a letter or digit",
  );
}

/** Members are numbered from 1 to 2^32 - 1 (CFG-1). */
export function isMemberId(memberId: number): boolean {
  return Number.isInteger(memberId) && memberId >= 1 && memberId <= 0xffff_ffff;
}

function requireMemberId(memberId: number): void {
  if (isMemberId(memberId)) return;
  throw new TlsError(
    "INVALID_NAME",
    `member id ${memberId} is not a whole number from 1 to 2^32-1`,
  );
}

function checkedIdentity(nodeId?: string, domainId?: string): NodeIdentity | undefined {
  if (nodeId === undefined || domainId === undefined) return undefined;
  return isCertifiableName(nodeId) && isCertifiableName(domainId)
    ? { nodeId, domainId }
    : undefined;
}

function checkedMember(digits?: string): number | undefined {
  if (digits === undefined) return undefined;
  const member = Number(digits);
  return isMemberId(member) && `${member}` === digits ? member : undefined;
}
