import type { CertificateAuthority } from "./ca.ts";
import { keyAlgorithm } from "./keys.ts";

/**
 * Signs `bytes` with the key of a CA: ECDSA with SHA-256, r and s one after the other. What is
 * signed must begin with words that no certificate begins with.
 */
export async function signWithCa(
  ca: CertificateAuthority,
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.sign(keyAlgorithm, ca.signer.privateKey, bytes));
}
