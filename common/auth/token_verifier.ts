import { createHash } from "node:crypto";
import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from "jose";
import type { Principal } from "../authz/mod.ts";
import { PactError } from "../errors/mod.ts";
import { ClaimError, type ClaimSettings, principalOf } from "./claims.ts";
import type { KeySource } from "./keys.ts";

/** What a verifier accepts. */
export interface TokenVerifierOptions {
  /** Exact issuer; undefined accepts any, which only HMAC development setups may do. */
  readonly issuer?: string | undefined;
  readonly audiences: readonly string[];
  readonly keys: readonly KeySource[];
  readonly claims: ClaimSettings;
  readonly nowMs: () => number;
  /** Longest lifetime of a token in seconds (AUT-3). */
  readonly maxLifetimeSeconds?: number;
}

/** A principal with the end of its credential. */
export interface VerifiedToken {
  readonly principal: Principal;
  readonly expiresAtMs: number;
}

/** Checks bearer tokens. */
export interface TokenVerifier {
  /**
   * The principal of an `authorization` header value.
   *
   * @throws {PactError} UNAUTHENTICATED with the texts of AUT-2.
   */
  verifyHeader(authorization: string | null): Promise<VerifiedToken>;
}

const MAX_TOKEN_CHARS = 16 * 1024;
const LEEWAY_SECONDS = 60;
const DEFAULT_MAX_LIFETIME_SECONDS = 86_400;
const CACHE_MS = 60_000;
const MAX_CACHED = 10_000;

/** A verifier for bearer tokens after AUT-2..AUT-8. */
export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const cache = new VerifiedTokenCache(options.nowMs);
  return {
    verifyHeader: async (authorization) => {
      const token = bearerOf(authorization);
      const cached = cache.get(token);
      if (cached !== undefined) return cached;
      const verified = await verify(token, options);
      cache.put(token, verified);
      return verified;
    },
  };
}

function bearerOf(authorization: string | null): string {
  if (authorization === null) throw refuse("missing authorization header");
  if (!/^[\x20-\x7e]*$/.test(authorization)) throw refuse("invalid authorization header");
  const match = /^Bearer +(\S+) *$/i.exec(authorization);
  if (match?.[1] === undefined) throw refuse("expected Bearer token");
  return match[1];
}

async function verify(token: string, options: TokenVerifierOptions): Promise<VerifiedToken> {
  const header = headerOf(token);
  const source = options.keys.find((candidate) => candidate.algorithms.includes(header.alg));
  if (source === undefined) throw refuse("invalid token: algorithm not allowed");
  const key = await keyOf(source, header);
  const claims = await signedClaims(token, key, header.alg, options.nowMs());
  checkTimes(claims, options);
  checkAddressees(claims, options);
  try {
    const principal = principalOf(claims, options.claims);
    return { principal, expiresAtMs: (claims.exp ?? 0) * 1000 };
  } catch (error) {
    if (error instanceof ClaimError) throw refuse(`invalid token: ${error.message}`);
    throw error;
  }
}

function headerOf(token: string): { alg: string; kid?: string } {
  if (token.length > MAX_TOKEN_CHARS || token.split(".").length !== 3) {
    throw refuse("invalid token: malformed");
  }
  try {
    const header = decodeProtectedHeader(token);
    if (typeof header.alg !== "string") throw refuse("invalid token: malformed");
    return { ...header, alg: header.alg };
  } catch (error) {
    if (error instanceof PactError) throw error;
    throw refuse("invalid token: malformed");
  }
}

async function keyOf(source: KeySource, header: { alg: string; kid?: string }) {
  let key;
  try {
    key = await source.keyFor(header);
  } catch (error) {
    throw refuse("signing keys unavailable", error);
  }
  if (key === undefined) throw refuse("invalid token: no matching key");
  return key;
}

async function signedClaims(
  token: string,
  key: Parameters<typeof jwtVerify>[1],
  algorithm: string,
  nowMs: number,
): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: [algorithm],
      clockTolerance: LEEWAY_SECONDS,
      currentDate: new Date(nowMs),
      requiredClaims: ["exp"],
    });
    return payload;
  } catch (error) {
    if (error instanceof errors.JWTExpired) throw refuse("token expired");
    if (error instanceof errors.JWTClaimValidationFailed) {
      throw refuse(
        error.claim === "nbf" ? "invalid token: not yet valid" : "invalid token: malformed",
      );
    }
    if (error instanceof errors.JWSSignatureVerificationFailed) {
      throw refuse("invalid token: bad signature");
    }
    throw refuse("invalid token: malformed", error);
  }
}

function checkTimes(claims: JWTPayload, options: TokenVerifierOptions): void {
  const nowSeconds = options.nowMs() / 1000;
  if (claims.iat !== undefined && claims.iat > nowSeconds + LEEWAY_SECONDS) {
    throw refuse("invalid token: not yet valid");
  }
  const lifetime = (claims.exp ?? 0) - (claims.iat ?? nowSeconds);
  const limit = options.maxLifetimeSeconds ?? DEFAULT_MAX_LIFETIME_SECONDS;
  if (lifetime > limit + LEEWAY_SECONDS) {
    throw refuse(`invalid token: lifetime above ${limit} seconds`);
  }
}

function checkAddressees(claims: JWTPayload, options: TokenVerifierOptions): void {
  if (options.issuer !== undefined && claims.iss !== options.issuer) {
    throw refuse(`invalid issuer: expected ${options.issuer}`);
  }
  const audiences = typeof claims.aud === "string" ? [claims.aud] : claims.aud ?? [];
  if (!audiences.some((audience) => options.audiences.includes(audience))) {
    throw refuse(`invalid audience: expected ${options.audiences.join(" or ")}`);
  }
}

function refuse(message: string, cause?: unknown): PactError {
  return new PactError("UNAUTHENTICATED", message, cause === undefined ? {} : { cause });
}

/** Remembers verified tokens by their hash alone for at most a minute (AUT-8). */
class VerifiedTokenCache {
  readonly #entries = new Map<
    string,
    { readonly verified: VerifiedToken; readonly untilMs: number }
  >();

  constructor(private readonly nowMs: () => number) {}

  get(token: string): VerifiedToken | undefined {
    const entry = this.#entries.get(hashOf(token));
    return entry !== undefined && entry.untilMs > this.nowMs() ? entry.verified : undefined;
  }

  put(token: string, verified: VerifiedToken): void {
    if (this.#entries.size >= MAX_CACHED) {
      const oldest = this.#entries.keys().next();
      if (oldest.done !== true) this.#entries.delete(oldest.value);
    }
    const untilMs = Math.min(verified.expiresAtMs, this.nowMs() + CACHE_MS);
    this.#entries.set(hashOf(token), { verified, untilMs });
  }
}

function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
