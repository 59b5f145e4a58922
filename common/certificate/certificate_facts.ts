/**
 * What a certificate says, read straight from its DER form (RFC 5280). A server reads the
 * certificate of every connection, and a general ASN.1 library takes longer for that than the rest
 * of the handshake.
 */
import { type DerElement, DerReader, derTag, malformed } from "./der.ts";
import { TlsError } from "./error.ts";
import { normalizeSerialHex } from "./serial.ts";

/** How a leaf is about to be used. */
export type CertificateUse = "client" | "server";

/** What every certificate says, whoever it names. */
export interface CertificateFacts {
  /** The first common name of the subject. */
  readonly commonName: string;
  /** Lower-case hexadecimal, as the journal's records hold it. */
  readonly serialHex: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly dnsNames: string[];
  readonly uris: string[];
  /** What a leaf is meant for (extended key usage). */
  readonly uses: CertificateUse[];
  /** Whether it may issue certificates: a CA by its basic constraints and its key usage. */
  readonly isAuthority: boolean;
  readonly der: Uint8Array<ArrayBuffer>;
}

/** Object identifiers, as the bytes of their DER form in hexadecimal. */
const oid = {
  commonName: "550403",
  keyUsage: "551d0f",
  subjectAltName: "551d11",
  basicConstraints: "551d13",
  extendedKeyUsage: "551d25",
  serverAuth: "2b06010505070301",
  clientAuth: "2b06010505070302",
} as const;

/** Context-specific tags of TBSCertificate and GeneralName. */
const versionTag = 0xa0;
const issuerIdTag = 0x81;
const subjectIdTag = 0x82;
const extensionsTag = 0xa3;
const dnsNameTag = 0x82;
const uriTag = 0x86;

/** Bit keyCertSign of KeyUsage, in its first byte. */
const keyCertSign = 0x04;

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** @throws TlsError INVALID_CERTIFICATE when it cannot be read. */
export function readCertificateFacts(encoded: Uint8Array): CertificateFacts {
  const der = new Uint8Array(encoded);
  try {
    return factsOf(der);
  } catch (cause) {
    if (cause instanceof TlsError) throw cause;
    throw new TlsError("INVALID_CERTIFICATE", "the certificate cannot be read", { cause });
  }
}

function factsOf(der: Uint8Array<ArrayBuffer>): CertificateFacts {
  const outer = new DerReader(der);
  const certificate = outer.enter(derTag.sequence);
  if (!outer.isAtEnd) throw malformed("bytes behind its end");
  const body = certificate.enter(derTag.sequence);
  body.skip(versionTag);
  const serial = body.expect(derTag.integer);
  body.expect(derTag.sequence);
  body.expect(derTag.sequence);
  const validity = body.enter(derTag.sequence);
  const notBefore = timeOf(validity.next());
  const notAfter = timeOf(validity.next());
  const commonName = commonNameOf(body.enter(derTag.sequence));
  requireKeyForm(body.enter(derTag.sequence));
  body.skip(issuerIdTag);
  body.skip(subjectIdTag);
  const extensions = body.isAtEnd
    ? new Map<string, Uint8Array>()
    : extensionsOf(body.enter(extensionsTag).enter(derTag.sequence));
  return {
    commonName,
    serialHex: normalizeSerialHex(serial.toHex()),
    notBefore,
    notAfter,
    ...namesOf(extensions.get(oid.subjectAltName)),
    uses: usesOf(extensions.get(oid.extendedKeyUsage)),
    isAuthority: isCa(extensions.get(oid.basicConstraints)) &&
      maySign(extensions.get(oid.keyUsage)),
    der,
  };
}

/** Refuses a SubjectPublicKeyInfo that is not an algorithm and its key, and nothing else. */
function requireKeyForm(key: DerReader): void {
  key.expect(derTag.sequence);
  key.expect(derTag.bitString);
  if (!key.isAtEnd) throw malformed("bytes behind its key");
}

/** Values of the extensions by the object identifier; one that stands twice is refused. */
function extensionsOf(reader: DerReader): Map<string, Uint8Array> {
  const values = new Map<string, Uint8Array>();
  while (!reader.isAtEnd) {
    const extension = reader.enter(derTag.sequence);
    const id = extension.expect(derTag.objectIdentifier).toHex();
    extension.skip(derTag.boolean);
    if (values.has(id)) throw malformed("an extension twice");
    values.set(id, extension.expect(derTag.octetString));
  }
  return values;
}

function commonNameOf(subject: DerReader): string {
  while (!subject.isAtEnd) {
    for (const { content } of subject.enter(derTag.set).rest()) {
      const attribute = new DerReader(content);
      const id = attribute.expect(derTag.objectIdentifier).toHex();
      if (id === oid.commonName) return textOf(attribute.next());
    }
  }
  return "";
}

/** Text of the usual kinds; a name in another one is a name of nobody here. */
function textOf({ tag, content }: DerElement): string {
  switch (tag) {
    case derTag.utf8String:
      return utf8.decode(content);
    case derTag.printableString:
    case derTag.ia5String:
      return asciiOf(content);
    default:
      return "";
  }
}

function asciiOf(content: Uint8Array): string {
  if (content.some((byte) => byte > 0x7f)) throw malformed("a name beyond ASCII");
  return utf8.decode(content);
}

function namesOf(extension: Uint8Array | undefined): { dnsNames: string[]; uris: string[] } {
  const dnsNames: string[] = [];
  const uris: string[] = [];
  if (extension === undefined) return { dnsNames, uris };
  for (const { tag, content } of new DerReader(extension).enter(derTag.sequence).rest()) {
    if (tag === dnsNameTag) dnsNames.push(asciiOf(content));
    if (tag === uriTag) uris.push(asciiOf(content));
  }
  return { dnsNames, uris };
}

function usesOf(extension: Uint8Array | undefined): CertificateUse[] {
  if (extension === undefined) return [];
  const purposes = [...new DerReader(extension).enter(derTag.sequence).rest()];
  return purposes.flatMap(({ content }): CertificateUse[] => {
    const id = content.toHex();
    if (id === oid.clientAuth) return ["client"];
    return id === oid.serverAuth ? ["server"] : [];
  });
}

function isCa(extension: Uint8Array | undefined): boolean {
  if (extension === undefined) return false;
  const constraints = new DerReader(extension).enter(derTag.sequence);
  return constraints.nextTag === derTag.boolean && constraints.next().content[0] === 0xff;
}

/** Whether the key may sign certificates; a certificate that limits nothing allows it. */
function maySign(extension: Uint8Array | undefined): boolean {
  if (extension === undefined) return true;
  const [, first = 0] = new DerReader(extension).expect(derTag.bitString);
  return (first & keyCertSign) !== 0;
}

/** A time as RFC 5280 4.1.2.5 has it: to the second, in UTC. */
function timeOf({ tag, content }: DerElement): Date {
  const text = asciiOf(content);
  const [, year = "", month, day, hour, minute, second] = tag === derTag.utcTime
    ? utcTime.exec(text) ?? []
    : tag === derTag.generalizedTime
    ? generalizedTime.exec(text) ?? []
    : [];
  const century = year.length === 2 ? (Number(year) >= 50 ? "19" : "20") : "";
  const time = new Date(`${century}${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(time.getTime())) throw malformed("a time that is none");
  return time;
}

const utcTime = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;
const generalizedTime = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;
