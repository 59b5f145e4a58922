import { createHash } from "node:crypto";
import { compactVerify, decodeProtectedHeader, errors } from "jose";
import * as z from "zod";
import type { Principal } from "../authz/mod.ts";
import { PactError } from "../errors/mod.ts";
import { ClaimError, type Claims, type ClaimSettings, principalOf } from "./claims.ts";
import type { KeySource, VerificationKey } from "./keys.ts";

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
  /** The same where it is known already, so that nobody waits for it; undefined says nothing. */
  knownHeader?(authorization: string): VerifiedToken | undefined;
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
      if (token instanceof PactError) throw token;
      const key = hashOf(token);
      const known = cache.get(key);
      if (known !== undefined) return known;
      const verified = await verify(token, options);
      cache.put(key, verified);
      return verified;
    },
    knownHeader: (authorization) => {
      const token = bearerOf(authorization);
      return token instanceof PactError ? undefined : cache.get(hashOf(token));
    },
  };
}

/** The token of a header value, or what is wrong with it. */
function bearerOf(authorization: string | null): string | PactError {
  if (authorization === null) return refuse("missing authorization header");
  const match = /^Bearer +(\S+) *$/i.exec(authorization);
  if (match?.[1] === undefined) return refuse("expected Bearer token");
  if (!/^[\x21-\x7e]+$/.test(match[1])) return refuse("invalid authorization header");
  return match[1];
}

/** The checks in the order in which their texts are promised (AUT-2). */
async function verify(token: string, options: TokenVerifierOptions): Promise<VerifiedToken> {
  const header = headerOf(token);
  const source = options.keys.find((candidate) => candidate.algorithms.includes(header.alg));
  if (source === undefined) throw refuse("invalid token: algorithm not allowed");
  const key = await keyOf(source, header);
  const claims = await signedClaims(token, key, header.alg);
  const expiresAtMs = checkTimes(claims, options);
  checkAddressees(claims, options);
  try {
    return { principal: principalOf(claims, options.claims), expiresAtMs };
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
  key: VerificationKey,
  algorithm: string,
): Promise<Claims> {
  try {
    const { payload } = await compactVerify(token, key, { algorithms: [algorithm] });
    return claimsOf(payload);
  } catch (error) {
    if (error instanceof errors.JWSSignatureVerificationFailed) {
      throw refuse("invalid token: bad signature");
    }
    throw refuse("invalid token: malformed", error);
  }
}

const ClaimsSchema = z.record(z.string(), z.unknown());

function claimsOf(payload: Uint8Array): Claims {
  return ClaimsSchema.parse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload)));
}

/** When the token ends, in epoch milliseconds; `exp` is mandatory (AUT-3). */
function checkTimes(claims: Claims, options: TokenVerifierOptions): number {
  const nowSeconds = options.nowMs() / 1000;
  const expires = secondsOf(claims["exp"]);
  if (expires === undefined) throw refuse("invalid token: malformed");
  if (expires <= nowSeconds - LEEWAY_SECONDS) throw refuse("token expired");
  const starts = [secondsOf(claims["nbf"]), secondsOf(claims["iat"])];
  if (starts.some((start) => start !== undefined && start > nowSeconds + LEEWAY_SECONDS)) {
    throw refuse("invalid token: not yet valid");
  }
  const lifetime = expires - (secondsOf(claims["iat"]) ?? nowSeconds);
  const limit = options.maxLifetimeSeconds ?? DEFAULT_MAX_LIFETIME_SECONDS;
  if (lifetime > limit + LEEWAY_SECONDS) {
    throw refuse(`invalid token: lifetime above ${limit} seconds`);
  }
  return expires * 1000;
}

/** A numeric date; undefined when absent. */
function secondsOf(value: unknown): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw refuse("invalid token: malformed");
}

function checkAddressees(claims: Claims, options: TokenVerifierOptions): void {
  if (options.issuer !== undefined && claims["iss"] !== options.issuer) {
    throw refuse(`invalid issuer: expected ${options.issuer}`);
  }
  const stated = claims["aud"];
  const audiences: readonly unknown[] = Array.isArray(stated) ? stated : [stated];
  if (!options.audiences.some((audience) => audiences.includes(audience))) {
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

  get(key: string): VerifiedToken | undefined {
    const entry = this.#entries.get(key);
    return entry !== undefined && entry.untilMs > this.nowMs() ? entry.verified : undefined;
  }

  put(key: string, verified: VerifiedToken): void {
    if (this.#entries.size >= MAX_CACHED) {
      const oldest = this.#entries.keys().next();
      if (oldest.done !== true) this.#entries.delete(oldest.value);
    }
    const untilMs = Math.min(verified.expiresAtMs, this.nowMs() + CACHE_MS);
    this.#entries.set(key, { verified, untilMs });
  }
}

function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
