import { z } from "zod";
import { MIN_HMAC_SECRET_BYTES } from "../../common/auth/mod.ts";
import {
  AbsolutePathSchema,
  ConfigError,
  listSetting,
  numberSetting,
  type SettingValues,
  switchSetting,
  textSetting,
  TOKEN_SCHEMAS,
} from "../../common/config/mod.ts";
import { isSafeUrl } from "../../common/fetch/mod.ts";

/** Audiences accepted when none are configured (AUT-9). */
const DEFAULT_AUDIENCES = ["pact"];

const path = AbsolutePathSchema.optional();
const { url, audiences, ...schemas } = TOKEN_SCHEMAS;

/** How people prove who they are: `policy.iam.*` (CFG-1). */
export const IDENTITY_SETTINGS = {
  idpUrl: textSetting({ env: ["PACT_IDP_URL"], key: "policy.iam.idp_url" }, url),
  clientId: textSetting(
    { env: ["PACT_CLIENT_ID"], key: "policy.iam.client_id" },
    z.string().default("pact"),
  ),
  oidcIssuer: textSetting({ env: ["PACT_OIDC_ISSUER"], key: "policy.iam.oidc_issuer" }, url),
  oidcAudiences: listSetting(
    { env: ["PACT_OIDC_AUDIENCE"], key: "policy.iam.oidc_audience" },
    audiences.default(DEFAULT_AUDIENCES),
  ),
  jwksUrl: textSetting({ env: ["PACT_OIDC_JWKS_URL"], key: "policy.iam.jwks_url" }, url),
  /** Certificates of the provider's CA, where the runtime does not know it. */
  oidcCa: textSetting({ key: "policy.iam.oidc_ca" }, path),
  allowInsecureIssuer: switchSetting({ key: "policy.iam.allow_insecure_issuer" }, false),
  jwksMaxStaleSeconds: numberSetting(
    { key: "policy.iam.jwks_max_stale_seconds" },
    schemas.jwksMaxStaleSeconds,
  ),
  maxTokenLifetimeSeconds: numberSetting(
    { key: "policy.iam.max_token_lifetime_seconds" },
    schemas.maxTokenLifetimeSeconds,
  ),
  hmacSecret: textSetting(
    { env: ["PACT_OIDC_HMAC_SECRET"], key: "policy.iam.hmac_secret" },
    z.string().optional(),
  ),
  hmacSecretFile: textSetting({ key: "policy.iam.hmac_secret_file" }, path),
  principalClaim: textSetting(
    { key: "policy.iam.principal_claim" },
    schemas.principalClaim,
  ),
  roleMap: textSetting(
    { key: "policy.iam.role_map" },
    schemas.roleMap,
  ),
} as const;

type IdentitySettings = SettingValues<typeof IDENTITY_SETTINGS> & {
  readonly isSingleNode: boolean;
};

/**
 * Rules over several of them; what is merely unwise is returned as warnings.
 *
 * @throws {ConfigError} for a secret too short to withstand guessing outside development (AUT-5), and
 *   for keys without a named issuer, or over plain http (AUT-7).
 */
export function checkIdentity(settings: IdentitySettings): string[] {
  const { hmacSecret, hmacSecretFile, isSingleNode, oidcIssuer, jwksUrl } = settings;
  if (hmacSecret !== undefined && !isSingleNode) requireLongSecret(hmacSecret);
  if (jwksUrl !== undefined && oidcIssuer === undefined) {
    throw new ConfigError(
      "policy.iam.jwks_url is set without policy.iam.oidc_issuer: name the issuer whose tokens count",
    );
  }
  const keysUrl = jwksUrl ?? oidcIssuer;
  const isSafe = keysUrl === undefined || isSafeUrl(new URL(keysUrl), settings.allowInsecureIssuer);
  const isHmac = hmacSecret !== undefined || hmacSecretFile !== undefined;
  if (!isSafe && !isHmac) {
    throw new ConfigError(
      `keys from ${keysUrl} would be taken over plain http: use https, or set policy.iam.allow_insecure_issuer`,
    );
  }
  const warnings: string[] = [];
  if (isHmac) {
    warnings.push(
      "tokens signed with a shared HMAC secret are accepted: for tests and development (AUT-5)",
    );
  } else if (oidcIssuer === undefined) {
    warnings.push("no token keys configured: people cannot sign in, only enrolled nodes");
  }
  if (settings.allowInsecureIssuer) {
    warnings.push(
      "keys of the identity provider are taken over plain http: whoever is between can sign in as anybody",
    );
  }
  return warnings;
}

/** @throws {ConfigError} for a secret shorter than its algorithm's key (AUT-5). */
export function requireLongSecret(secret: string): void {
  const bytes = new TextEncoder().encode(secret).length;
  if (bytes >= MIN_HMAC_SECRET_BYTES) return;
  throw new ConfigError(
    `the HMAC secret has ${bytes} bytes: give at least ${MIN_HMAC_SECRET_BYTES} (AUT-5)`,
  );
}
