import { isIP } from "node:net";
import { type CaSigner, type CertificateAuthority, clockSlackMs } from "./ca.ts";
import type { VerifiedCsr } from "./csr.ts";
import {
  agentCommonName,
  agentSpiffeId,
  derOfPem,
  joinPemBundle,
  type NodeIdentity,
  normalizeSerialHex,
  pemOfDer,
  type RandomBytes,
  randomSerialHex,
  requireCertifiable,
  systemRandomBytes,
  TlsError,
} from "../certificate/mod.ts";
import { exportPrivateKey, generateKeyPair } from "./keys.ts";
import { type LeafName, signLeaf, subjectOf } from "./leaf.ts";
import type { SecretPem } from "../secret/mod.ts";
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type ExtendedKeyUsageType,
  KeyUsageFlags,
  KeyUsagesExtension,
  PublicKey,
} from "./x509.ts";

/** Lifetime of a node's certificate: three days (journal.md 9.5). */
export const agentCertificateLifetimeSeconds = 259_200;
/** Lifetime of a certificate that the journal issues to itself at start (CRT-9). */
export const serverCertificateLifetimeSeconds = 30 * 86_400;

/** A certificate as it is handed out. */
export interface IssuedCertificate {
  certPem: string;
  /** The certificate, then its issuing CA and that one's parents: what a server presents. */
  fullChainPem: string;
  /** Lower-case hexadecimal (journal.md 9.5). */
  serialHex: string;
  notBefore: Date;
  notAfter: Date;
}

/** A certificate with the key made for it. */
export interface IssuedServerCertificate extends IssuedCertificate {
  keyPem: SecretPem;
}

/** Time, lifetime and randomness of one issue. */
export interface IssueOptions {
  now: Date;
  lifetimeSeconds?: number;
  randomBytes?: RandomBytes;
}

/** What a server certificate is for. */
export interface ServerCertificateOptions extends IssueOptions {
  commonName: string;
  /** DNS names and IP addresses under which clients dial (CRT-9); at least one. */
  hosts: readonly string[];
  uris?: readonly string[];
}

/**
 * Issues a certificate with a fresh P-256 key for a listener. It also serves as client
 * certificate, because journal members call each other.
 *
 * @throws TlsError INVALID_NAME when `hosts` is empty.
 */
export async function issueServerCertificate(
  ca: CertificateAuthority,
  options: ServerCertificateOptions,
): Promise<IssuedServerCertificate> {
  if (options.hosts.length === 0) {
    throw new TlsError("INVALID_NAME", "a server certificate needs at least one host name");
  }
  const keys = await generateKeyPair();
  const hosts = [...new Set(options.hosts)].map((host) => ({
    type: isIP(host) === 0 ? "dns" as const : "ip" as const,
    value: host,
  }));
  const uris = (options.uris ?? []).map((value) => ({ type: "url" as const, value }));
  const issued = await issue(ca, {
    ...options,
    lifetimeSeconds: options.lifetimeSeconds ?? serverCertificateLifetimeSeconds,
    publicKey: keys.publicKey,
    names: [...hosts, ...uris],
  });
  return { ...issued, keyPem: await exportPrivateKey(keys.privateKey) };
}

/**
 * Issues a node's certificate exactly as journal.md 9.5 lays down. Of the request only the proven
 * public key is used (ENR-23).
 *
 * @throws TlsError INVALID_NAME when node or domain cannot stand in a certificate.
 */
export async function issueAgentCertificate(
  ca: CertificateAuthority,
  identity: NodeIdentity,
  csr: VerifiedCsr,
  options: IssueOptions,
): Promise<IssuedCertificate> {
  requireCertifiable(identity);
  return await issue(ca, {
    ...options,
    lifetimeSeconds: options.lifetimeSeconds ?? agentCertificateLifetimeSeconds,
    publicKey: csr.publicKey,
    commonName: agentCommonName(identity),
    names: [
      { type: "dns", value: identity.nodeId },
      { type: "url", value: agentSpiffeId(identity) },
    ],
  });
}

interface LeafOptions extends IssueOptions {
  commonName: string;
  publicKey: CryptoKey | PublicKey;
  lifetimeSeconds: number;
  names: LeafName[];
}

const usages: ExtendedKeyUsageType[] = [ExtendedKeyUsage.clientAuth, ExtendedKeyUsage.serverAuth];

/** The same in every leaf, made once: a boot storm asks for thousands (CRT-11). */
const leafExtensions = [
  new BasicConstraintsExtension(false, undefined, true),
  new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
  new ExtendedKeyUsageExtension(usages),
].map(({ rawData }) => new Uint8Array(rawData));

/** The same in every leaf of one CA. */
interface IssuerParts {
  readonly issuerDer: Uint8Array;
  readonly extensions: readonly Uint8Array[];
}

const issuers = new WeakMap<CaSigner, IssuerParts>();

function issuerParts({ signer, certPem }: CertificateAuthority): IssuerParts {
  const known = issuers.get(signer);
  if (known !== undefined) return known;
  const parts = {
    issuerDer: subjectOf(derOfPem(certPem)),
    extensions: [...leafExtensions, new Uint8Array(signer.authorityKeyIdentifier.rawData)],
  };
  issuers.set(signer, parts);
  return parts;
}

async function issue(ca: CertificateAuthority, leaf: LeafOptions): Promise<IssuedCertificate> {
  const endMs = leaf.now.getTime() + leaf.lifetimeSeconds * 1000;
  const serialHex = randomSerialHex(leaf.randomBytes ?? systemRandomBytes);
  const notBefore = wholeSecond(leaf.now.getTime() - clockSlackMs);
  // A leaf that outlives its CA would be refused later without warning.
  const notAfter = wholeSecond(Math.min(endMs, ca.notAfter.getTime()));
  const { commonName, names } = leaf;
  const keyDer = await keyDerOf(leaf.publicKey);
  const content = { ...issuerParts(ca), serialHex, notBefore, notAfter, commonName, names, keyDer };
  const certPem = pemOfDer(await signLeaf(content, ca.signer.privateKey), "CERTIFICATE");
  return {
    certPem,
    fullChainPem: joinPemBundle([certPem, ca.chainPem]),
    serialHex: normalizeSerialHex(serialHex),
    notBefore,
    notAfter,
  };
}

/** Certificates tell time to the second. */
function wholeSecond(epochMs: number): Date {
  return new Date(Math.floor(epochMs / 1000) * 1000);
}

async function keyDerOf(key: CryptoKey | PublicKey): Promise<Uint8Array> {
  return new Uint8Array(
    key instanceof PublicKey ? key.rawData : await crypto.subtle.exportKey("spki", key),
  );
}
