import { type CachedLogin, readClaims } from "../tokens/mod.ts";
import type { Grant } from "./client.ts";
import type { ProviderMetadata } from "./provider.ts";

/** What the cache keeps of a grant. */
export function loginOf(
  grant: Grant,
  { issuer, token_endpoint, revocation_endpoint }: ProviderMetadata,
  clientId: string,
  asked: readonly string[],
  nowMs: number,
): CachedLogin {
  return {
    access_token: grant.accessToken,
    refresh_token: grant.refreshToken ?? null,
    expires_at: expiryOf(grant, nowMs),
    scopes: [...grant.scopes ?? asked],
    idp_issuer: issuer,
    client_id: clientId,
    token_endpoint,
    revocation_endpoint: revocation_endpoint ?? null,
  };
}

/** When the access token ends: as the provider says, else as the token does. */
export function expiryOf({ accessToken, expiresInSeconds }: Grant, nowMs: number): string | null {
  const endsMs = expiresInSeconds === undefined
    ? readClaims(accessToken)?.expiresAtMs
    : nowMs + expiresInSeconds * 1000;
  return endsMs === undefined ? null : new Date(endsMs).toISOString();
}
