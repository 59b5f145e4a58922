/** Verification of bearer tokens and the principal they name. */
export { ClaimError, type ClaimSettings, principalOf } from "./claims.ts";
export {
  ASYMMETRIC_ALGORITHMS,
  hmacKeySource,
  jwksKeySource,
  type KeySource,
  MIN_HMAC_SECRET_BYTES,
  type VerificationKey,
} from "./keys.ts";
export {
  createTokenVerifier,
  type TokenVerifier,
  type TokenVerifierOptions,
  type VerifiedToken,
} from "./token_verifier.ts";
