import { TlsError } from "../certificate/mod.ts";
import { Pkcs10CertificateRequest, type PublicKey } from "./x509.ts";

/** Largest accepted request in bytes; an RSA-8192 request is about 2 KiB. */
export const csrMaxBytes = 16 * 1024;

/** A certificate request whose sender has proven that it holds the private key. */
export interface VerifiedCsr {
  /** The only thing taken from a request: subject, names and extensions are ignored (ENR-23). */
  publicKey: PublicKey;
  /** What kind of key it is, for logs and audit. */
  keyKind: "ECDSA P-256" | "ECDSA P-384" | "Ed25519" | "RSA";
}

/**
 * Reads a PKCS #10 request in DER or PEM, checks its self-signature (proof of possession) and that
 * its key is ECDSA P-256 or P-384, Ed25519, or RSA with 2048 bits or more (ENR-21).
 *
 * @throws TlsError INVALID_CSR saying what is wrong with it.
 */
export async function verifyCsr(request: Uint8Array | string): Promise<VerifiedCsr> {
  const csr = parseCsr(request);
  const { publicKey, algorithm } = keyOf(csr);
  const keyKind = keyKindOf(algorithm);
  let proven = false;
  try {
    proven = await csr.verify();
  } catch (cause) {
    throw new TlsError("INVALID_CSR", "the signature of the certificate request is malformed", {
      cause,
    });
  }
  if (!proven) {
    throw new TlsError(
      "INVALID_CSR",
      "the certificate request is not signed with the key it is for",
    );
  }
  return { publicKey, keyKind };
}

function parseCsr(request: Uint8Array | string): Pkcs10CertificateRequest {
  if (request.length === 0) throw new TlsError("INVALID_CSR", "csr required");
  if (request.length > csrMaxBytes) {
    throw new TlsError("INVALID_CSR", `the certificate request exceeds ${csrMaxBytes} bytes`);
  }
  try {
    return new Pkcs10CertificateRequest(encodedRequest(request));
  } catch (cause) {
    throw new TlsError("INVALID_CSR", "not a PKCS #10 certificate request in DER or PEM", {
      cause,
    });
  }
}

/** PEM text as text, DER as bytes; PEM arrives as bytes too, since the wire field is bytes. */
function encodedRequest(request: Uint8Array | string): string | Uint8Array<ArrayBuffer> {
  if (typeof request === "string") return requirePem(request);
  const derSequenceTag = 0x30;
  if (request[0] === derSequenceTag) return new Uint8Array(request);
  return requirePem(new TextDecoder().decode(request));
}

function requirePem(text: string): string {
  if (!/-----BEGIN (NEW )?CERTIFICATE REQUEST-----/.test(text)) {
    throw new Error("no BEGIN CERTIFICATE REQUEST block");
  }
  return text.replaceAll(" NEW CERTIFICATE REQUEST", " CERTIFICATE REQUEST");
}

interface KeyAlgorithmFacts {
  name: string;
  namedCurve?: string;
  modulusLength?: number;
}

/** A request's key and its parameters are parsed when first read, so this is where bad ones show. */
function keyOf(
  csr: Pkcs10CertificateRequest,
): { publicKey: PublicKey; algorithm: KeyAlgorithmFacts } {
  try {
    const { publicKey } = csr;
    return { publicKey, algorithm: publicKey.algorithm };
  } catch (cause) {
    throw new TlsError("INVALID_CSR", "the key of the certificate request cannot be read", {
      cause,
    });
  }
}

function keyKindOf(algorithm: KeyAlgorithmFacts): VerifiedCsr["keyKind"] {
  switch (algorithm.name) {
    case "ECDSA":
      if (algorithm.namedCurve === "P-256") return "ECDSA P-256";
      if (algorithm.namedCurve === "P-384") return "ECDSA P-384";
      break;
    case "Ed25519":
      return "Ed25519";
    case "RSASSA-PKCS1-v1_5":
    case "RSA-PSS":
      if ((algorithm.modulusLength ?? 0) >= rsaMinBits) return "RSA";
      throw new TlsError("INVALID_CSR", `RSA keys need ${rsaMinBits} bits or more`);
  }
  throw new TlsError(
    "INVALID_CSR",
    "the key kind is not accepted; use ECDSA P-256 or P-384, Ed25519, or RSA with 2048 bits or more",
  );
}

const rsaMinBits = 2048;
