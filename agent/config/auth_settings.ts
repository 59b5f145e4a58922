import * as z from "zod";
import {
  AbsolutePathSchema,
  listSetting,
  numberSetting,
  type SettingValues,
  switchSetting,
  textSetting,
  TOKEN_SCHEMAS,
} from "../../common/config/mod.ts";
import { isSafeUrl } from "../../common/fetch/mod.ts";

const path = AbsolutePathSchema.optional();
const { url, audiences, ...schemas } = TOKEN_SCHEMAS;

/** Whose tokens open the shell listener: `[agent.shell.auth]`, with the meaning of the journal's. */
export const AUTH_SETTINGS = {
  authIssuer: textSetting({ key: "agent.shell.auth.issuer" }, url),
  authAudiences: listSetting(
    { key: "agent.shell.auth.audience" },
    audiences.default(["pact-agent", "pact-cli", "pact"]),
  ),
  authJwksUrl: textSetting({ key: "agent.shell.auth.jwks_url" }, url),
  /** Certificates of the provider's CA, where the runtime does not know it. */
  authCa: textSetting({ key: "agent.shell.auth.ca" }, path),
  isInsecureIssuerAllowed: switchSetting({ key: "agent.shell.auth.allow_insecure_issuer" }, false),
  authJwksMaxStaleSeconds: numberSetting(
    { key: "agent.shell.auth.jwks_max_stale_seconds" },
    schemas.jwksMaxStaleSeconds,
  ),
  authMaxTokenLifetimeSeconds: numberSetting(
    { key: "agent.shell.auth.max_token_lifetime_seconds" },
    schemas.maxTokenLifetimeSeconds,
  ),
  authPrincipalClaim: textSetting(
    { key: "agent.shell.auth.principal_claim" },
    schemas.principalClaim,
  ),
  authRoleMap: textSetting(
    { key: "agent.shell.auth.role_map" },
    schemas.roleMap,
  ),
  authHmacSecret: textSetting({ key: "agent.shell.auth.hmac_secret" }, z.string().optional()),
  authHmacSecretFile: textSetting({ key: "agent.shell.auth.hmac_secret_file" }, path),
} as const;

/**
 * What is unwise or of no use in them. Nothing of it keeps a node from booting: where in doubt, calls
 * are refused.
 */
export function authWarnings(settings: SettingValues<typeof AUTH_SETTINGS>): string[] {
  const { authIssuer, authJwksUrl, authHmacSecret, authHmacSecretFile } = settings;
  const warnings: string[] = [];
  const isHmac = authHmacSecret !== undefined || authHmacSecretFile !== undefined;
  if (isHmac) {
    warnings.push(
      "tokens signed with a shared HMAC secret are accepted: for tests and development (AUT-5)",
    );
  }
  if (authJwksUrl !== undefined && authIssuer === undefined) {
    warnings.push(
      "agent.shell.auth.jwks_url has no effect without agent.shell.auth.issuer: any issuer's tokens would count",
    );
  }
  const keysUrl = authIssuer === undefined ? undefined : authJwksUrl ?? authIssuer;
  const isAllowed = settings.isInsecureIssuerAllowed;
  if (keysUrl !== undefined && !isSafeUrl(new URL(keysUrl), isAllowed)) {
    warnings.push(
      `keys from ${keysUrl} are not used, since they would come over plain http: use https, or set agent.shell.auth.allow_insecure_issuer`,
    );
  }
  if (isAllowed) {
    warnings.push(
      "keys of the identity provider are taken over plain http: whoever is between can sign in as anybody",
    );
  }
  return warnings;
}
