/**
 * What a node needs of certificates: a key with its request, and reading what it is given. Nothing of it
 * needs an X.509 library, which takes long to load.
 *
 * @module
 */

export {
  type CertificateFacts,
  type CertificateUse,
  readCertificateFacts,
} from "./certificate_facts.ts";
export { derElement, DerReader, derTag } from "./der.ts";
export { pemOfDer, splitDerBundle } from "./der_bundle.ts";
export { TlsError, type TlsErrorCode } from "./error.ts";
export {
  agentCommonName,
  agentRole,
  agentSpiffeId,
  isCertifiableName,
  journalCommonName,
  journalSpiffeId,
  type NodeIdentity,
  requireCertifiable,
} from "./identity.ts";
export { requireMatchingKey } from "./key_match.ts";
export { isProofOf, type KeyProof, proveKey } from "./key_proof.ts";
export { createKeyAndCsr, type KeyAndCsr } from "./key_request.ts";
export { parsePeerCertificate, type PeerCertificate, spiffeIdOf } from "./peer_certificate.ts";
export { type JudgedPeer, PeerTrust, rootsPem, type TrustRoots } from "./peer_trust.ts";
export { derOfPem, joinPemBundle, splitPemBundle } from "./pem.ts";
export {
  normalizeSerialHex,
  type RandomBytes,
  randomSerialHex,
  systemRandomBytes,
} from "./serial.ts";
export { SignerCertificate } from "./signer_certificate.ts";
export { isTrustDomain, pactPartOf, parseSpiffeId, type SpiffeId } from "./spiffe_id.ts";
export {
  type ChainOptions,
  type ChainVerdict,
  type DistrustReason,
  type LeafChain,
  TrustBundle,
} from "./trust.ts";
