import { createHash, sign } from "node:crypto";
import type { SecretPem } from "../secret/mod.ts";
import { TlsError } from "./error.ts";
import { parsePeerCertificate } from "./peer_certificate.ts";
import { derOfPem, splitPemBundle } from "./pem.ts";
import { SignerCertificate } from "./signer_certificate.ts";

/** Shows that who asks for a certificate still holds the key of its former one (ENR-2). */
export interface KeyProof {
  /** The former certificate, DER. */
  readonly certificate: Uint8Array<ArrayBuffer>;
  /** Over the new request, by the former key: ECDSA with SHA-256, r and s one after the other. */
  readonly signature: Uint8Array<ArrayBuffer>;
}

/** No certificate and no other signed text of pact begins like this. */
const PURPOSE = "pact: the same node asks again\0";

/**
 * Proves possession of the key of `certPem` for one request: it is worth nothing with another.
 *
 * @throws TlsError INVALID_KEY or INVALID_PEM when key or certificate cannot be read.
 */
export function proveKey(
  former: { readonly certPem: string; readonly keyPem: SecretPem },
  csrDer: Uint8Array,
): KeyProof {
  return {
    certificate: derOfPem(splitPemBundle(former.certPem)[0] ?? ""),
    signature: signed(statement(csrDer), former.keyPem),
  };
}

/**
 * Whether the proof is by the holder of the certificate with this serial, which leads to `trustPem`,
 * and for this request. Whatever else is presented is no proof; nothing is thrown.
 */
export function isProofOf(
  { certificate, signature }: { certificate: Uint8Array; signature: Uint8Array },
  csrDer: Uint8Array,
  expected: { readonly serialHex: string; readonly trustPem: string },
): boolean {
  try {
    const { serialHex } = parsePeerCertificate(new Uint8Array(certificate));
    if (serialHex !== expected.serialHex) return false;
    const signer = new SignerCertificate(pemOf(certificate));
    return signer.verifies(statement(csrDer), signature) && signer.leadsTo(expected.trustPem);
  } catch {
    return false;
  }
}

function signed(bytes: Uint8Array, keyPem: SecretPem): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(
      sign("sha256", bytes, { key: keyPem.reveal(), dsaEncoding: "ieee-p1363" }),
    );
  } catch {
    // Nothing of the reason: it could hold something of the key.
    throw new TlsError("INVALID_KEY", "the former private key cannot be used");
  }
}

function statement(csrDer: Uint8Array): Uint8Array<ArrayBuffer> {
  const digest = createHash("sha256").update(csrDer).digest();
  return new Uint8Array([...new TextEncoder().encode(PURPOSE), ...digest]);
}

function pemOf(der: Uint8Array): string {
  const lines = new Uint8Array(der).toBase64().match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
