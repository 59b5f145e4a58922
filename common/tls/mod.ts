/**
 * Certificates: making a CA, reading and signing requests, naming peers, checking chains.
 *
 * @module
 */

export { type CertificateAuthority, createCa, type CreateCaOptions, loadCa } from "./ca.ts";
export type { CertificateUse } from "./certificate_facts.ts";
export { csrMaxBytes, type VerifiedCsr, verifyCsr } from "./csr.ts";
export { TlsError, type TlsErrorCode } from "./error.ts";
export {
  agentCommonName,
  agentRole,
  agentSpiffeId,
  isCertifiableName,
  journalCommonName,
  journalSpiffeId,
  type NodeIdentity,
} from "./identity.ts";
export {
  agentCertificateLifetimeSeconds,
  issueAgentCertificate,
  type IssuedCertificate,
  type IssuedServerCertificate,
  type IssueOptions,
  issueServerCertificate,
  serverCertificateLifetimeSeconds,
  type ServerCertificateOptions,
} from "./issue.ts";
export { isProofOf, type KeyProof, proveKey } from "./key_proof.ts";
export { requireMatchingKey } from "./key_match.ts";
export { createKeyAndCsr, type KeyAndCsr } from "./keys.ts";
export { parsePeerCertificate, type PeerCertificate } from "./peer_certificate.ts";
export { joinPemBundle, splitPemBundle } from "./pem.ts";
export { normalizeSerialHex, type RandomBytes } from "./serial.ts";
export { SignerCertificate, signWithCa } from "./signature.ts";
export { type CertificateMaterial, type CertificateSource, HeldCertificate } from "./source.ts";
export { type ChainVerdict, type DistrustReason, type LeafChain, TrustBundle } from "./trust.ts";
