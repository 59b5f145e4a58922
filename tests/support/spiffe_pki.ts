import "reflect-metadata";
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { create } from "@bufbuild/protobuf";
import { spiffe } from "../../api/mod.ts";
import {
  type CertificateAuthority,
  createCa,
  type IssuedServerCertificate,
  issueServerCertificate,
  loadCa,
} from "../../common/tls/mod.ts";
import { SecretPem } from "../../common/secret/mod.ts";

/** What a test may choose of an SVID. */
export interface SvidOptions {
  readonly commonName?: string;
  /** More URIs than the one an SVID has. */
  readonly uris?: readonly string[];
  readonly now?: Date;
  readonly lifetimeSeconds?: number;
}

/** A SPIFFE trust domain in memory. */
export interface TestTrustDomain {
  readonly name: string;
  readonly ca: CertificateAuthority;
  /** A trust domain's CA below this one, which vouches for the same names. */
  subordinate(): Promise<TestTrustDomain>;
  issue(path: string, options?: SvidOptions): Promise<IssuedServerCertificate>;
  /** An SVID as the Workload API carries it. */
  wire(path: string, options?: SvidOptions): Promise<spiffe.X509SVID>;
}

/** All trust domains of a real SPIRE have CAs of one name, and so do these. */
const CA_NAME = "SPIFFE";

/** Makes a trust domain. */
export async function createTrustDomain(name: string): Promise<TestTrustDomain> {
  return trustDomain(name, await createCa({ commonName: CA_NAME, validDays: 30, now: new Date() }));
}

function trustDomain(name: string, ca: CertificateAuthority): TestTrustDomain {
  const issue = async (path: string, options: SvidOptions = {}) =>
    await issueServerCertificate(ca, {
      commonName: options.commonName ?? "workload",
      hosts: ["localhost"],
      uris: [`spiffe://${name}${path}`, ...options.uris ?? []],
      now: options.now ?? new Date(),
      lifetimeSeconds: options.lifetimeSeconds ?? 3_600,
    });
  return {
    name,
    ca,
    issue,
    subordinate: async () => trustDomain(name, await subordinateOf(ca)),
    wire: async (path, options) => {
      const issued = await issue(path, options);
      return create(spiffe.X509SVIDSchema, {
        spiffeId: `spiffe://${name}${path}`,
        x509Svid: derOf(issued.certPem),
        x509SvidKey: derOf(issued.keyPem.reveal()),
        bundle: derOf(ca.certPem),
      });
    },
  };
}

async function subordinateOf(parent: CertificateAuthority): Promise<CertificateAuthority> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const now = new Date();
  const certificate = await X509CertificateGenerator.create({
    subject: [{ CN: ["SPIFFE intermediate"] }],
    issuer: parent.signer.certificate.subjectName,
    publicKey: keys.publicKey,
    signingKey: parent.signer.privateKey,
    signingAlgorithm: algorithm,
    serialNumber: crypto.randomUUID().replaceAll("-", "").replace(/^./, "1"),
    notBefore: new Date(now.getTime() - 60_000),
    notAfter: new Date(now.getTime() + 86_400_000),
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", keys.privateKey));
  const keyPem = new SecretPem(
    `-----BEGIN PRIVATE KEY-----\n${pkcs8.toBase64()}\n-----END PRIVATE KEY-----\n`,
  );
  return await loadCa({ certPem: certificate.toString("pem"), keyPem, now });
}

/** The DER form of one PEM text. */
export function derOf(pem: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromBase64(pem.replaceAll(/-----[^-]*-----|\s/g, ""));
}
