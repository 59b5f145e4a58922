/**
 * Puts a leaf certificate together (RFC 5280). A journal signs one for each node of a machine that is
 * switched on, and a general ASN.1 library takes five times longer for that than the signature does.
 */
import { createHash } from "node:crypto";
import { isIP } from "node:net";
import { derElement, DerReader, derTag } from "../certificate/mod.ts";
import { keyAlgorithm } from "./keys.ts";

/** A name by which a leaf is known. */
export interface LeafName {
  readonly type: "dns" | "ip" | "url";
  readonly value: string;
}

/** What a leaf says. */
export interface LeafContent {
  readonly serialHex: string;
  /** The subject of the issuing certificate, as it stands there. */
  readonly issuerDer: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly commonName: string;
  /** SubjectPublicKeyInfo. */
  readonly keyDer: Uint8Array;
  readonly names: readonly LeafName[];
  /** Further extensions, whole. */
  readonly extensions: readonly Uint8Array[];
}

/** Object identifiers, the content of their encoding. */
const oid = {
  commonName: Uint8Array.of(0x55, 0x04, 0x03),
  ecdsaWithSha256: Uint8Array.of(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02),
  subjectKeyIdentifier: Uint8Array.of(0x55, 0x1d, 0x0e),
  subjectAltName: Uint8Array.of(0x55, 0x1d, 0x11),
} as const;

const { sequence, set, integer, bitString, octetString, objectIdentifier } = derTag;
const extensionsTag = 0xa3;
/** GeneralName: dNSName, uniformResourceIdentifier, iPAddress. */
const nameTags = { dns: 0x82, url: 0x86, ip: 0x87 } as const;
const version3 = derElement(
  derTag.contextConstructed0,
  derElement(integer, Uint8Array.of(2)),
);
const signatureAlgorithm = derElement(sequence, derElement(objectIdentifier, oid.ecdsaWithSha256));
const noUnusedBits = Uint8Array.of(0);
/** From this year on times have four digits for it (RFC 5280 4.1.2.5). */
const generalizedFrom = 2050;

/** The certificate with its signature by an ECDSA key, DER. */
export async function signLeaf(
  content: LeafContent,
  issuerKey: CryptoKey,
): Promise<Uint8Array<ArrayBuffer>> {
  const body = bodyOf(content);
  const signature = new Uint8Array(await crypto.subtle.sign(keyAlgorithm, issuerKey, body));
  return derElement(
    sequence,
    body,
    signatureAlgorithm,
    derElement(bitString, noUnusedBits, signatureDer(signature)),
  );
}

/** The subject of a certificate, for the leaves that it issues. */
export function subjectOf(certificateDer: Uint8Array): Uint8Array<ArrayBuffer> {
  const body = new DerReader(certificateDer).enter(sequence).enter(sequence);
  body.skip(derTag.contextConstructed0);
  // Serial number, signature algorithm, issuer and validity stand before it.
  for (const tag of [integer, sequence, sequence, sequence]) body.expect(tag);
  return derElement(sequence, body.expect(sequence));
}

function bodyOf(leaf: LeafContent): Uint8Array<ArrayBuffer> {
  const commonName = derElement(
    sequence,
    derElement(objectIdentifier, oid.commonName),
    derElement(derTag.utf8String, new TextEncoder().encode(leaf.commonName)),
  );
  return derElement(
    sequence,
    version3,
    derElement(integer, Uint8Array.fromHex(leaf.serialHex)),
    signatureAlgorithm,
    leaf.issuerDer,
    derElement(sequence, timeOf(leaf.notBefore), timeOf(leaf.notAfter)),
    derElement(sequence, derElement(set, commonName)),
    leaf.keyDer,
    derElement(
      extensionsTag,
      derElement(
        sequence,
        ...leaf.extensions,
        extension(oid.subjectAltName, derElement(sequence, ...leaf.names.map(nameDer))),
        extension(oid.subjectKeyIdentifier, derElement(octetString, keyIdentifier(leaf.keyDer))),
      ),
    ),
  );
}

function extension(id: Uint8Array, value: Uint8Array): Uint8Array {
  return derElement(sequence, derElement(objectIdentifier, id), derElement(octetString, value));
}

function nameDer({ type, value }: LeafName): Uint8Array {
  return derElement(
    nameTags[type],
    type === "ip" ? addressBytes(value) : new TextEncoder().encode(value),
  );
}

function addressBytes(address: string): Uint8Array {
  if (isIP(address) === 4) return Uint8Array.from(address.split("."), Number);
  const [front = "", back] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const words = (text = "") => text === "" ? [] : text.split(":").map((word) => parseInt(word, 16));
  const [first, last] = [words(front), words(back)];
  const zeros = new Array<number>(8 - first.length - last.length).fill(0);
  return Uint8Array.from([...first, ...zeros, ...last].flatMap((word) => [word >> 8, word & 0xff]));
}

/** SHA-1 over the key itself, which identifies it and protects nothing (RFC 5280 4.2.1.2). */
function keyIdentifier(keyDer: Uint8Array): Uint8Array {
  const key = new DerReader(keyDer).enter(sequence);
  key.expect(sequence);
  return createHash("sha1").update(key.expect(bitString).subarray(1)).digest();
}

/** To the second, in UTC. */
function timeOf(time: Date): Uint8Array {
  const text = time.toISOString().replace(/\.\d+Z$/, "Z").replaceAll(/[-:T]/g, "");
  const isGeneralized = time.getUTCFullYear() >= generalizedFrom;
  return derElement(
    isGeneralized ? derTag.generalizedTime : derTag.utcTime,
    new TextEncoder().encode(isGeneralized ? text : text.slice(2)),
  );
}

/** WebCrypto gives r and s one after the other, certificates hold them as two numbers (RFC 3279). */
function signatureDer(signature: Uint8Array): Uint8Array {
  const half = signature.length / 2;
  return derElement(
    sequence,
    positive(signature.subarray(0, half)),
    positive(signature.subarray(half)),
  );
}

function positive(bytes: Uint8Array): Uint8Array {
  const start = bytes.findIndex((byte) => byte !== 0);
  const digits = bytes.subarray(start < 0 ? bytes.length - 1 : start);
  const isNegative = (digits[0] ?? 0) >= 0x80;
  return derElement(integer, ...(isNegative ? [Uint8Array.of(0)] : []), digits);
}
