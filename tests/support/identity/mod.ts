/**
 * Fixtures for tests of who is let in.
 *
 * @module
 */
export {
  AGENT_NODE,
  commitOf,
  type IdentityClients,
  IdentitySite,
  MERCURY,
  type NodeCertificate,
  nodeScope,
  openIdentitySite,
  vclusterScope,
  VENUS,
} from "./identity_site.ts";
export { openRawConnection, type RawAnswer, type RawConnection } from "./raw_rpc.ts";
export { type IssuedClaims, openTokenIssuer, type TokenIssuer } from "./token_issuer.ts";
