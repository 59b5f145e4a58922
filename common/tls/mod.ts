/**
 * Certificates: making a CA, reading and signing requests, naming peers, checking chains.
 *
 * @module
 */

export { type CertificateAuthority, createCa, type CreateCaOptions, loadCa } from "./ca.ts";
export {
  agentCommonName,
  agentRole,
  agentSpiffeId,
  type CertificateUse,
  type ChainOptions,
  type ChainVerdict,
  createKeyAndCsr,
  type DistrustReason,
  isCertifiableName,
  isProofOf,
  isTrustDomain,
  joinPemBundle,
  journalCommonName,
  journalSpiffeId,
  type KeyAndCsr,
  type KeyProof,
  type LeafChain,
  type NodeIdentity,
  normalizeSerialHex,
  parsePeerCertificate,
  parseSpiffeId,
  type PeerCertificate,
  PeerTrust,
  proveKey,
  type RandomBytes,
  requireMatchingKey,
  SignerCertificate,
  type SpiffeId,
  splitPemBundle,
  TlsError,
  type TlsErrorCode,
  TrustBundle,
} from "../certificate/mod.ts";
export { csrMaxBytes, type VerifiedCsr, verifyCsr } from "./csr.ts";
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
export { signWithCa } from "./signature.ts";
export { type CertificateMaterial, type CertificateSource, HeldCertificate } from "./source.ts";
