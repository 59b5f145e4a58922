import { TlsError } from "../certificate/mod.ts";
import { SecretPem } from "../secret/mod.ts";
import { PemConverter, PublicKey } from "./x509.ts";

/** The algorithm of every key that pact makes: ECDSA on P-256 with SHA-256. */
export const keyAlgorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** A fresh ECDSA P-256 pair. */
export async function generateKeyPair(): Promise<CryptoKeyPair> {
  return await crypto.subtle.generateKey(keyAlgorithm, true, ["sign", "verify"]);
}

/** The private key as PKCS #8 PEM. */
export async function exportPrivateKey(key: CryptoKey): Promise<SecretPem> {
  const pkcs8 = await crypto.subtle.exportKey("pkcs8", key);
  return new SecretPem(PemConverter.encode(pkcs8, "PRIVATE KEY"));
}

/**
 * Reads an ECDSA P-256 or P-384 signing key from PKCS #8 PEM.
 *
 * @throws TlsError INVALID_KEY naming what is accepted; the message holds nothing of the key.
 */
export async function importSigningKey(keyPem: SecretPem): Promise<CryptoKey> {
  const pkcs8 = decodePrivateKey(keyPem);
  for (const namedCurve of ["P-256", "P-384"]) {
    try {
      return await crypto.subtle.importKey("pkcs8", pkcs8, { name: "ECDSA", namedCurve }, true, [
        "sign",
      ]);
    } catch {
      // The other curve is tried next.
    }
  }
  throw new TlsError("INVALID_KEY", "the private key is not an ECDSA P-256 or P-384 key (PKCS #8)");
}

/** The public half of a private key that can be exported. */
export async function publicKeyOf(privateKey: CryptoKey): Promise<PublicKey> {
  const { d: _private, key_ops: _operations, ...publicJwk } = await crypto.subtle.exportKey(
    "jwk",
    privateKey,
  );
  const publicKey = await crypto.subtle.importKey("jwk", publicJwk, privateKey.algorithm, true, [
    "verify",
  ]);
  return await PublicKey.create(publicKey);
}

function decodePrivateKey(keyPem: SecretPem): ArrayBuffer {
  const blocks = keyPem.reveal().match(privateKeyBlock);
  const block = blocks?.[0];
  if (block === undefined) {
    throw new TlsError(
      "INVALID_KEY",
      "no BEGIN PRIVATE KEY block (PKCS #8) found; convert other forms with `openssl pkcs8 -topk8`",
    );
  }
  try {
    return PemConverter.decodeFirst(block);
  } catch {
    throw new TlsError("INVALID_KEY", "the private key is not valid PEM");
  }
}

const privateKeyBlock = /-----BEGIN PRIVATE KEY-----[^-]*-----END PRIVATE KEY-----/;
