/** The identity of a workload or node agent, and when it is valid (section 8.1, IDN-1, IDN-6). */
import type { PrivateKey } from "./private_key.ts";

export const IDENTITY_SOURCES = ["Spire", "SelfSigned", "Bootstrap"] as const;
/** Who vouched for an identity, in the order they are asked (IDN-4). */
export type IdentitySource = (typeof IDENTITY_SOURCES)[number];

export interface WorkloadIdentity {
  /** Leaf first. */
  readonly certChainPem: Uint8Array;
  readonly privateKey: PrivateKey;
  readonly trustBundlePem: Uint8Array;
  /** notBefore of the leaf, in milliseconds since the epoch. */
  readonly notBeforeMs: number;
  /** notAfter of the leaf, in milliseconds since the epoch. */
  readonly expiresAtMs: number;
  readonly source: IdentitySource;
}

/** IDN-6: clocks of issuer and node may differ by this much. */
export const MAX_CLOCK_SKEW_MS = 60_000;

/** The two instants that decide about validity. */
export type Validity = Pick<WorkloadIdentity, "notBeforeMs" | "expiresAtMs">;

/** IDN-1: at the very instant of expiry an identity is no longer valid. */
export function isValid(identity: Pick<Validity, "expiresAtMs">, nowMs: number): boolean {
  return nowMs < identity.expiresAtMs;
}

/** IDN-6: not valid before a time further ahead than clocks may differ. */
export function isNotYetValid(identity: Pick<Validity, "notBeforeMs">, nowMs: number): boolean {
  return identity.notBeforeMs - nowMs > MAX_CLOCK_SKEW_MS;
}

/**
 * IDN-1: less than a third of the lifetime is left.
 *
 * ```ts
 * import { shouldRenew } from "./identity.ts";
 *
 * const lifetime = { notBeforeMs: 0, expiresAtMs: 900 };
 * if (shouldRenew(lifetime, 600)) throw new Error("a third is still left");
 * if (!shouldRenew(lifetime, 601)) throw new Error("less than a third is left");
 * ```
 */
export function shouldRenew(identity: Validity, nowMs: number): boolean {
  const remaining = identity.expiresAtMs - nowMs;
  return remaining * 3 < identity.expiresAtMs - identity.notBeforeMs;
}
