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
  createKeyAndCsr,
  isCertifiableName,
  isProofOf,
  joinPemBundle,
  journalCommonName,
  journalSpiffeId,
  type KeyAndCsr,
  type KeyProof,
  type NodeIdentity,
  normalizeSerialHex,
  parsePeerCertificate,
  type PeerCertificate,
  proveKey,
  type RandomBytes,
  SignerCertificate,
  splitPemBundle,
  TlsError,
  type TlsErrorCode,
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
export { requireMatchingKey } from "./key_match.ts";
export { signWithCa } from "./signature.ts";
export { type CertificateMaterial, type CertificateSource, HeldCertificate } from "./source.ts";
export { type ChainVerdict, type DistrustReason, type LeafChain, TrustBundle } from "./trust.ts";
