import { create, toBinary } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { agentport, enrollment } from "../../api/mod.ts";
import type { RpcTransport } from "../../common/rpc/mod.ts";
import { SecretPem } from "../../common/secret/mod.ts";
import type { SvidIdentity } from "../../common/spiffe/mod.ts";
import {
  createKeyAndCsr,
  joinPemBundle,
  parsePeerCertificate,
  proveKey,
  requireMatchingKey,
  splitPemBundle,
  TrustBundle,
} from "../../common/certificate/mod.ts";
import { VERSION } from "../../common/version/mod.ts";

/** What identifies this machine, as the core found it or the configuration says. */
export type Hardware = Readonly<Record<string, string>>;

/** What an enrolment is made of. */
export interface EnrolOptions {
  readonly hardware: Hardware;
  /** An identity that is of no use any more but whose key is still there (ENR-2). */
  readonly former: agentport.NodeIdentity | undefined;
  readonly nowMs: number;
}

/**
 * Enrols with a fresh key (NEN-3) and checks the answer before it is used (NEN-5).
 *
 * @throws {ConnectError} the journal's refusal; {Error} `enrollment answer rejected: REASON`.
 */
export async function enrol(
  transport: RpcTransport,
  { hardware, former, nowMs }: EnrolOptions,
): Promise<agentport.NodeIdentity> {
  const { keyPem, csrDer } = await createKeyAndCsr("pact-agent");
  const { mac = "", bmc_serial = "", ...extra } = hardware;
  const answer = await createClient(enrollment.EnrollmentService, transport).enroll({
    hardwareIdentity: { macAddress: mac, bmcSerial: bmc_serial, extra },
    csr: csrDer,
    agentVersion: VERSION,
    previousKeyProof: await proofOf(former, csrDer),
  });
  return checked({
    nodeId: answer.nodeId,
    domainId: answer.domainId,
    vclusterId: answer.vclusterId,
    certPem: text(answer.signedCert),
    keyPem,
    bundlePem: bundle(answer.caChain, answer.trustBundle),
  }, nowMs);
}

/**
 * Enrols under an SVID, which `transport` presents: the record is activated, and no certificate is
 * asked for (NEN-11).
 *
 * @throws {ConnectError} the journal's refusal.
 */
export async function enrolBySvid(
  transport: RpcTransport,
  hardware: Hardware,
  identity: SvidIdentity,
): Promise<agentport.NodeIdentity> {
  const { mac = "", bmc_serial = "", ...extra } = hardware;
  const answer = await createClient(enrollment.EnrollmentService, transport).enroll({
    hardwareIdentity: { macAddress: mac, bmcSerial: bmc_serial, extra },
    agentVersion: VERSION,
  });
  const { nodeId, domainId, vclusterId } = answer;
  return underSvid(
    create(agentport.NodeIdentitySchema, {
      ...{ nodeId, domainId, vclusterId },
      trustBundlePem: bundle(answer.caChain, answer.trustBundle),
    }),
    identity,
  );
}

/** The same node under another SVID. */
export function underSvid(
  node: agentport.NodeIdentity,
  { svid }: SvidIdentity,
): agentport.NodeIdentity {
  return create(agentport.NodeIdentitySchema, {
    ...node,
    certPem: svid.chainPem,
    keyPem: svid.keyPem.reveal(),
    serial: svid.serialHex,
    previousSerial: node.serial,
    source: agentport.IdentitySource.SPIRE,
  });
}

/**
 * A new certificate for the node behind `transport`, with a new key (CRT-4).
 *
 * @throws {ConnectError} the journal's refusal; {Error} `enrollment answer rejected: REASON`.
 */
export async function renew(
  transport: RpcTransport,
  identity: agentport.NodeIdentity,
  nowMs: number,
): Promise<agentport.NodeIdentity> {
  const { keyPem, csrDer } = await createKeyAndCsr("pact-agent");
  const { serialHex } = parsePeerCertificate(identity.certPem);
  const answer = await createClient(enrollment.EnrollmentService, transport)
    .renewCert({ currentCertSerial: serialHex, csr: csrDer });
  const { nodeId, domainId, vclusterId } = identity;
  const renewed = checked({
    ...{ nodeId, domainId, vclusterId, keyPem },
    certPem: text(answer.signedCert),
    bundlePem: bundle(answer.caChain),
  }, nowMs);
  renewed.previousSerial = serialHex;
  return renewed;
}

/** Reads `mac:…`, `smbios:…`, `tpm:…` and `bmc:…` texts as the core's names (ENR-11). */
export function hardwareOf(ids: readonly string[], detected: Hardware): Hardware {
  if (ids.length === 0) return detected;
  const names: Readonly<Record<string, string>> = {
    mac: "mac",
    bmc: "bmc_serial",
    smbios: "smbios_uuid",
    tpm: "tpm_ek_hash",
  };
  return Object.fromEntries(ids.map((id) => {
    const colon = id.indexOf(":");
    const name = names[id.slice(0, colon)];
    return name === undefined ? ["mac", id] : [name, id.slice(colon + 1)];
  }));
}

async function proofOf(
  former: agentport.NodeIdentity | undefined,
  csrDer: Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  if (former === undefined) return new Uint8Array();
  const { certPem, keyPem } = former;
  const proof = await proveKey({ certPem, keyPem: new SecretPem(keyPem) }, csrDer);
  return new Uint8Array(toBinary(
    enrollment.PreviousKeyProofSchema,
    create(enrollment.PreviousKeyProofSchema, proof),
  ));
}

interface Answer {
  readonly nodeId: string;
  readonly domainId: string;
  readonly vclusterId: string;
  readonly certPem: string;
  readonly keyPem: SecretPem;
  readonly bundlePem: string;
}

/** The identity an answer gives, unless the certificate is not for this key, name and time (NEN-5). */
function checked(answer: Answer, nowMs: number): agentport.NodeIdentity {
  const { nodeId, domainId, vclusterId, certPem, keyPem, bundlePem } = answer;
  const certificate = readable(() => parsePeerCertificate(certPem));
  const isOurs = certificate.kind === "agent" && certificate.nodeId === nodeId &&
    certificate.domainId === domainId;
  if (!isOurs) throw rejected(`the certificate does not name node ${nodeId} of ${domainId}`);
  readable(() => requireMatchingKey(certPem, keyPem));
  const verdict = readable(() => new TrustBundle(bundlePem))
    .verify(certPem, "client", new Date(nowMs));
  if (!verdict.trusted) throw rejected(`the certificate is ${verdict.reason}`);
  return create(agentport.NodeIdentitySchema, {
    ...{ nodeId, domainId, vclusterId, certPem },
    keyPem: keyPem.reveal(),
    trustBundlePem: bundlePem,
    serial: certificate.serialHex,
    source: agentport.IdentitySource.SELF_SIGNED,
  });
}

function readable<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw rejected(error instanceof Error ? error.message : String(error));
  }
}

function rejected(reason: string): Error {
  return new Error(`enrollment answer rejected: ${reason}`);
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** The CA certificates of an answer: they replace whatever was trusted before (CRT-10). */
function bundle(...parts: readonly Uint8Array[]): string {
  return joinPemBundle(
    parts.filter((part) => part.length > 0).flatMap((part) => splitPemBundle(text(part))),
  );
}
