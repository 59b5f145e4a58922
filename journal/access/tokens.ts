import { type ClosableTokenVerifier, openTokenVerifier } from "../../common/auth/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import { ConfigError } from "../../common/config/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { readPrivateFile } from "../certs/mod.ts";
import { type JournalSettings, requireLongSecret } from "../config/mod.ts";

/**
 * Which tokens people may come with; undefined where no keys are configured, and none are accepted.
 *
 * @throws {ConfigError} and the errors of the files that the settings name.
 */
export function openTokens(
  settings: JournalSettings,
  surroundings: { readonly clock: Clock; readonly log: Logger },
): ClosableTokenVerifier | undefined {
  return openTokenVerifier({
    issuer: settings.oidcIssuer,
    audiences: settings.oidcAudiences,
    jwksUrl: settings.jwksUrl,
    allowInsecureIssuer: settings.allowInsecureIssuer,
    hmacSecret: secretOf(settings),
    claims: {
      principalClaim: settings.principalClaim,
      clientIds: [...new Set([settings.clientId, ...settings.oidcAudiences])],
      roleMap: settings.roleMap,
    },
    maxLifetimeSeconds: settings.maxTokenLifetimeSeconds,
    jwksMaxStaleSeconds: settings.jwksMaxStaleSeconds,
  }, { ...surroundings, caPem: certificatesOf(settings) });
}

function secretOf({ hmacSecret, hmacSecretFile, isSingleNode }: JournalSettings) {
  const secret = hmacSecretFile === undefined ? hmacSecret : readPrivateFile(hmacSecretFile).trim();
  if (secret !== undefined && !isSingleNode) requireLongSecret(secret);
  return secret;
}

function certificatesOf({ oidcCa }: JournalSettings): string | undefined {
  if (oidcCa === undefined) return undefined;
  try {
    return Deno.readTextFileSync(oidcCa);
  } catch (error) {
    throw new ConfigError(`policy.iam.oidc_ca cannot be read: ${String(error)}`, { file: oidcCa });
  }
}
