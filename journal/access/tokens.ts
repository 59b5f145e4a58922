/**
 * Which tokens people may come with, as the settings say now. It owns the connection to the identity
 * provider, and ends with `close`.
 */

import { create } from "@bufbuild/protobuf";
import { stream } from "../../api/mod.ts";
import {
  type ClosableTokenVerifier,
  openTokenVerifier,
  type TokenRules,
} from "../../common/auth/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import { ConfigError } from "../../common/config/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { readPrivateFile } from "../certs/mod.ts";
import { type JournalSettings, requireLongSecret } from "../config/mod.ts";

/** Verification that follows the settings. */
export interface Tokens extends ClosableTokenVerifier {
  /**
   * Takes other settings into use (CFG-3). Where they say the same as before nothing changes, so that
   * keys at hand are not lost; settings that cannot be used are logged and passed by.
   */
  reload(settings: JournalSettings): void;
  /**
   * What nodes are told of it (ACF-4): the issuer, never a secret; undefined where there is no issuer.
   * The same object until the settings change.
   */
  readonly forNodes: stream.TokenIssuer | undefined;
}

interface Surroundings {
  readonly clock: Clock;
  readonly log: Logger;
}

/** What verification rests on, read from the settings and the files that they name. */
interface Basis {
  readonly rules: TokenRules;
  readonly caPem: string | undefined;
}

/**
 * Opens verification. Where no keys are configured every token is refused.
 *
 * @throws {ConfigError} and the errors of the files that the settings name.
 */
export function openTokens(settings: JournalSettings, surroundings: Surroundings): Tokens {
  let basis = basisOf(settings);
  let verifier = open(basis, surroundings);
  let forNodes = toldToNodes(basis);
  return {
    get forNodes() {
      return forNodes;
    },
    verifyHeader: (authorization) =>
      verifier === undefined
        ? Promise.reject(new PactError("UNAUTHENTICATED", "no token keys configured"))
        : verifier.verifyHeader(authorization),
    knownHeader: (authorization) => verifier?.knownHeader?.(authorization),
    reload: (fresh) => {
      try {
        const next = basisOf(fresh);
        if (JSON.stringify(next) === JSON.stringify(basis)) return;
        const opened = open(next, surroundings);
        verifier?.close();
        [basis, verifier] = [next, opened];
        forNodes = toldToNodes(next);
        surroundings.log.info("tokens are verified by the new settings");
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        surroundings.log.error("the settings of tokens stay as they were", { error: reason });
      }
    },
    close: () => verifier?.close(),
  };
}

function open({ rules, caPem }: Basis, surroundings: Surroundings) {
  return openTokenVerifier(rules, { ...surroundings, caPem });
}

function toldToNodes({ rules, caPem }: Basis): stream.TokenIssuer | undefined {
  if (rules.issuer === undefined) return undefined;
  const { principalClaim, clientIds = [], roleMap } = rules.claims;
  return create(stream.TokenIssuerSchema, {
    issuer: rules.issuer,
    audiences: [...rules.audiences],
    jwksUrl: rules.jwksUrl ?? "",
    caPem: caPem ?? "",
    allowInsecure: rules.allowInsecureIssuer,
    maxTokenLifetimeSeconds: rules.maxLifetimeSeconds,
    jwksMaxStaleSeconds: rules.jwksMaxStaleSeconds,
    principalClaim,
    roleMap: { ...roleMap },
    clientIds: [...clientIds],
  });
}

function basisOf(settings: JournalSettings): Basis {
  return {
    caPem: certificatesOf(settings),
    rules: {
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
    },
  };
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
