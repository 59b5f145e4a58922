import {
  type ClosableTokenVerifier,
  MIN_HMAC_SECRET_BYTES,
  openTokenVerifier,
} from "../../common/auth/mod.ts";
import { systemClock } from "../../common/clock/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import type { AgentSettings } from "../config/mod.ts";

/**
 * Which tokens people may come to the node with; undefined where no keys are configured, and every
 * call is refused (ACF-4).
 */
export function openTokens(
  settings: AgentSettings,
  files: Readonly<Record<string, Uint8Array>>,
  log: Logger,
): ClosableTokenVerifier | undefined {
  const textOf = (path: string | undefined) =>
    new TextDecoder().decode(path === undefined ? undefined : files[path]).trim() || undefined;
  const hmacSecret = settings.authHmacSecretFile === undefined
    ? settings.authHmacSecret
    : textOf(settings.authHmacSecretFile);
  return openTokenVerifier({
    issuer: settings.authIssuer,
    audiences: settings.authAudiences,
    // Without an issuer, whose tokens these keys are for is anybody's guess.
    jwksUrl: settings.authIssuer === undefined ? undefined : settings.authJwksUrl,
    allowInsecureIssuer: settings.isInsecureIssuerAllowed,
    hmacSecret: usable(hmacSecret, settings, log),
    claims: {
      principalClaim: settings.authPrincipalClaim,
      clientIds: settings.authAudiences,
      roleMap: settings.authRoleMap,
    },
    maxLifetimeSeconds: settings.authMaxTokenLifetimeSeconds,
    jwksMaxStaleSeconds: settings.authJwksMaxStaleSeconds,
  }, { clock: systemClock, log, caPem: textOf(settings.authCa) });
}

/** A secret that withstands guessing; a shorter one is for development alone (AUT-5). */
function usable(
  secret: string | undefined,
  { profile }: AgentSettings,
  log: Logger,
): string | undefined {
  if (secret === undefined || secret === "") return undefined;
  const bytes = new TextEncoder().encode(secret).length;
  if (bytes < MIN_HMAC_SECRET_BYTES && profile !== "rootless") {
    log.error("the HMAC secret is too short and not used: nobody can sign in with it (AUT-5)", {
      bytes,
      needed: MIN_HMAC_SECRET_BYTES,
    });
    return undefined;
  }
  log.warn(
    "tokens signed with a shared HMAC secret are accepted: for tests and development (AUT-5)",
  );
  return secret;
}
