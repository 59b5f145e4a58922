import type { Clock } from "../clock/mod.ts";
import type { Logger } from "../log/mod.ts";
import type { ClaimSettings } from "./claims.ts";
import { jwksKeySource } from "./jwks_keys.ts";
import { hmacKeySource } from "./keys.ts";
import { createTokenVerifier, type TokenVerifier } from "./token_verifier.ts";

/** Which tokens are accepted, as a journal and an agent are both configured. */
export interface TokenRules {
  readonly issuer: string | undefined;
  readonly audiences: readonly string[];
  /** Address of the issuer's keys; discovered where absent (AUT-6). */
  readonly jwksUrl: string | undefined;
  /** Takes keys over plain http from other machines too. */
  readonly allowInsecureIssuer: boolean;
  /** Shared secret of HS256 tokens, for tests and development (AUT-5). */
  readonly hmacSecret: string | undefined;
  readonly claims: ClaimSettings;
  readonly maxLifetimeSeconds: number;
  /** Age at which keys of an unreachable issuer are used no longer. */
  readonly jwksMaxStaleSeconds: number;
}

/** What verification works with. */
export interface TokenSurroundings {
  readonly clock: Clock;
  readonly log: Logger;
  /** Certificates to trust for the issuer beside the runtime's own, PEM. */
  readonly caPem?: string | undefined;
}

/** A verifier with a connection to the issuer. */
export interface ClosableTokenVerifier extends TokenVerifier {
  close(): void;
}

/** The verifier that the rules describe; undefined when they name no key to verify with. */
export function openTokenVerifier(
  rules: TokenRules,
  { clock, log, caPem }: TokenSurroundings,
): ClosableTokenVerifier | undefined {
  const { issuer, jwksUrl, hmacSecret, jwksMaxStaleSeconds } = rules;
  const published = issuer === undefined && jwksUrl === undefined ? undefined : jwksKeySource({
    issuer,
    jwksUrl,
    allowInsecure: rules.allowInsecureIssuer,
    caPem,
    clock,
    limits: { maxStaleMs: jwksMaxStaleSeconds * 1000 },
    onFailed: (reason, usableForMs) =>
      log.warn("signing keys of the identity provider cannot be fetched, it is tried again", {
        reason,
        old_keys_usable_for_s: Math.floor(usableForMs / 1000),
      }),
    onRecovered: () => log.info("signing keys of the identity provider are fetched again"),
  });
  const shared = hmacSecret === undefined
    ? undefined
    : hmacKeySource(new TextEncoder().encode(hmacSecret));
  const keys = [shared, published].filter((source) => source !== undefined);
  if (keys.length === 0) return undefined;
  const verifier = createTokenVerifier({
    issuer,
    audiences: rules.audiences,
    keys,
    claims: rules.claims,
    maxLifetimeSeconds: rules.maxLifetimeSeconds,
    nowMs: () => clock.nowMs(),
  });
  return { ...verifier, close: () => published?.close() };
}
