/** Verification of bearer tokens and the principal they name. */
export { ClaimError, type Claims, type ClaimSettings, principalOf } from "./claims.ts";
export { type ClosableKeySource, jwksKeySource, type JwksOptions } from "./jwks_keys.ts";
export {
  type KeyCacheAnswer,
  type KeyCacheEvent,
  type KeyCacheState,
  NO_KEYS,
  stepKeyCache,
} from "./key_cache.ts";
export { readKeyDocument } from "./key_document.ts";
export {
  ASYMMETRIC_ALGORITHMS,
  hmacKeySource,
  type KeySource,
  MIN_HMAC_SECRET_BYTES,
  type VerificationKey,
} from "./keys.ts";
export {
  type ClosableTokenVerifier,
  openTokenVerifier,
  type TokenRules,
  type TokenSurroundings,
} from "./open_verifier.ts";
export { metadataUrlOf } from "./provider.ts";
export {
  createTokenVerifier,
  type TokenVerifier,
  type TokenVerifierOptions,
  type VerifiedToken,
} from "./token_verifier.ts";
