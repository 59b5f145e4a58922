import { create } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { agentport, enrollment } from "../../api/mod.ts";
import type { RpcTransport } from "../../common/rpc/mod.ts";
import {
  createKeyAndCsr,
  joinPemBundle,
  parsePeerCertificate,
  splitPemBundle,
} from "../../common/certificate/mod.ts";

/** What identifies this machine, as the core found it or the configuration says. */
export type Hardware = Readonly<Record<string, string>>;

/**
 * Enrols with a fresh key (NEN-3) and checks the answer before it is used (NEN-5).
 *
 * @throws {ConnectError} the journal's refusal; {Error} `enrollment answer rejected: REASON`.
 */
export async function enrol(
  transport: RpcTransport,
  hardware: Hardware,
): Promise<agentport.NodeIdentity> {
  const { keyPem, csrDer } = createKeyAndCsr("pact-agent");
  const { mac = "", bmc_serial = "", ...extra } = hardware;
  const answer = await createClient(enrollment.EnrollmentService, transport).enroll({
    hardwareIdentity: { macAddress: mac, bmcSerial: bmc_serial, extra },
    csr: csrDer,
  });
  const decoder = new TextDecoder();
  const certPem = decoder.decode(answer.signedCert);
  requireOurs(certPem, answer);
  return create(agentport.NodeIdentitySchema, {
    nodeId: answer.nodeId,
    domainId: answer.domainId,
    vclusterId: answer.vclusterId,
    certPem,
    keyPem: keyPem.reveal(),
    trustBundlePem: bundle(decoder.decode(answer.caChain), decoder.decode(answer.trustBundle)),
  });
}

/**
 * A new certificate for the node behind `transport`, with a new key (CRT-4).
 *
 * @throws {ConnectError} the journal's refusal.
 */
export async function renew(
  transport: RpcTransport,
  identity: agentport.NodeIdentity,
): Promise<agentport.NodeIdentity> {
  const { keyPem, csrDer } = createKeyAndCsr("pact-agent");
  const { serialHex } = parsePeerCertificate(identity.certPem);
  const answer = await createClient(enrollment.EnrollmentService, transport)
    .renewCert({ currentCertSerial: serialHex, csr: csrDer });
  const decoder = new TextDecoder();
  return create(agentport.NodeIdentitySchema, {
    ...identity,
    certPem: decoder.decode(answer.signedCert),
    keyPem: keyPem.reveal(),
    trustBundlePem: bundle(decoder.decode(answer.caChain), identity.trustBundlePem),
  });
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

function requireOurs(certPem: string, answer: enrollment.EnrollResponse): void {
  const certificate = parsePeerCertificate(certPem);
  const isOurs = certificate.kind === "agent" && certificate.nodeId === answer.nodeId;
  if (!isOurs) {
    throw new Error(
      `enrollment answer rejected: the certificate does not name node ${answer.nodeId}`,
    );
  }
}

/** Distinct CA certificates of both texts. */
function bundle(chain: string, trust: string): string {
  return joinPemBundle([
    ...new Set([...splitPemBundle(chain), ...(trust === "" ? [] : splitPemBundle(trust))]),
  ]);
}
