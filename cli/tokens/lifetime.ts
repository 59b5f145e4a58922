import type { CachedLogin } from "./cache_document.ts";

/** A token is renewed when less than this is left of it (CLI-35). */
const RENEW_BEFORE_MS = 60_000;

/** When the access token of a login ends; undefined where nobody said. */
export function endOf({ expires_at }: Pick<CachedLogin, "expires_at">): number | undefined {
  return expires_at === null ? undefined : Date.parse(expires_at);
}

/** Whether a token that ends then has long enough to go (CLI-31, CLI-35). */
export function isLasting(endsMs: number | undefined, nowMs: number): boolean {
  return endsMs === undefined || endsMs - nowMs >= RENEW_BEFORE_MS;
}

/** Whether a token that ends then is of no use any more. */
export function hasEnded(endsMs: number | undefined, nowMs: number): boolean {
  return endsMs !== undefined && endsMs <= nowMs;
}
