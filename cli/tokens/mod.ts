/**
 * The login cache: tokens of the servers that somebody logged in to, shared by every `pact` of one
 * user.
 *
 * @module
 */
export {
  type CachedLogin,
  type CacheDocument,
  EMPTY_CACHE,
  withDefault,
  withLogin,
  withoutLogin,
} from "./cache_document.ts";
export { CacheFile, type LockedCache } from "./cache_file.ts";
export { readClaims, type TokenClaims } from "./claims.ts";
export { endOf, hasEnded, isLasting } from "./lifetime.ts";
