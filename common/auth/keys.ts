import type { CryptoKey, JWTHeaderParameters, KeyObject } from "jose";

/** Signature algorithms a key set may serve (AUT-4). */
export const ASYMMETRIC_ALGORITHMS: readonly string[] = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "ES256",
  "ES384",
  "EdDSA",
];

/** A verification key. */
export type VerificationKey = CryptoKey | KeyObject | Uint8Array;

/** Where the key for a token's header comes from. */
export interface KeySource {
  readonly algorithms: readonly string[];
  /**
   * The key, or undefined when none matches the header.
   *
   * @throws when there are no keys to look among.
   */
  keyFor(header: JWTHeaderParameters): Promise<VerificationKey | undefined>;
}

/** Shortest HMAC secret outside development, in bytes (AUT-5). */
export const MIN_HMAC_SECRET_BYTES = 32;

/** Keys for tokens whose header says HS256, and for no others (AUT-4, AUT-5). */
export function hmacKeySource(secret: Uint8Array): KeySource {
  return { algorithms: ["HS256"], keyFor: () => Promise.resolve(secret) };
}
