import { generateKeyPairSync, sign } from "node:crypto";
import { SecretPem } from "../secret/mod.ts";
import { derElement, derTag } from "./der.ts";

/** A key pair made for one certificate request. The private key never leaves its maker. */
export interface KeyAndCsr {
  keyPem: SecretPem;
  csrPem: string;
  csrDer: Uint8Array<ArrayBuffer>;
}

/** 2.5.4.3, the common name, and 1.2.840.10045.4.3.2, ECDSA with SHA-256 (RFC 5280, RFC 5758). */
const commonNameId = Uint8Array.of(0x55, 0x04, 0x03);
const ecdsaWithSha256Id = Uint8Array.of(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02);
/** Version 1, and no attributes. */
const version = derElement(derTag.integer, Uint8Array.of(0));
const noAttributes = derElement(derTag.contextConstructed0);
const noUnusedBits = Uint8Array.of(0);

/**
 * Makes a fresh P-256 key and a PKCS #10 request for it (RFC 2986). The subject is only a hint for
 * people who read the request: the journal sets the names itself (ENR-23).
 *
 * The key is not one of WebCrypto's: the first of those costs 23 ms of collecting randomness that the
 * kernel has already collected, and more than a second where the processor is emulated.
 */
export function createKeyAndCsr(commonName: string): KeyAndCsr {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const { sequence, set, objectIdentifier, utf8String, bitString } = derTag;
  const name = derElement(
    sequence,
    derElement(objectIdentifier, commonNameId),
    derElement(utf8String, new TextEncoder().encode(commonName)),
  );
  const request = derElement(
    sequence,
    version,
    derElement(sequence, derElement(set, name)),
    publicKey.export({ type: "spki", format: "der" }),
    noAttributes,
  );
  const csrDer = derElement(
    sequence,
    request,
    derElement(sequence, derElement(objectIdentifier, ecdsaWithSha256Id)),
    derElement(bitString, noUnusedBits, sign("sha256", request, privateKey)),
  );
  return {
    keyPem: new SecretPem(privateKey.export({ type: "pkcs8", format: "pem" }).toString()),
    csrPem: pemOf(csrDer, "CERTIFICATE REQUEST"),
    csrDer,
  };
}

function pemOf(der: Uint8Array, label: string): string {
  const lines = der.toBase64().match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
