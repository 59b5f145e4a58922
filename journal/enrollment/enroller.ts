/**
 * Lets machines in: matches their hardware, activates the record, signs the certificate. It owns the
 * limiter of refused attempts and nothing that must be closed.
 */

import { create } from "@bufbuild/protobuf";
import { enrollment } from "../../api/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import type { Logger } from "../../common/log/mod.ts";
import { SYSTEM_IDENTITY } from "../../common/model/mod.ts";
import {
  type CertificateAuthority,
  issueAgentCertificate,
  type IssuedCertificate,
  TlsError,
  type VerifiedCsr,
  verifyCsr,
} from "../../common/tls/mod.ts";
import type { Replica } from "../replica/mod.ts";
import type { Enrollment } from "../state/mod.ts";
import { normalizeHardware } from "./hardware.ts";
import { RefusalLimiter } from "./rate_limit.ts";

/** What enrolment works with. */
export interface EnrollerOptions {
  readonly replica: Replica;
  readonly ca: CertificateAuthority;
  /** The trust bundle nodes get, as PEM. */
  readonly trustBundle: () => string;
  readonly isLive: (nodeId: string) => boolean;
  readonly domainId: string;
  readonly certLifetimeSeconds: number;
  readonly activeLockSeconds: number;
  readonly rateLimitPerMinute: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Enrols and renews. */
export interface Enroller {
  /** @throws {PactError} with the codes of ENR-24. */
  enroll(
    request: enrollment.EnrollRequest,
    source: string,
    signal: AbortSignal,
  ): Promise<enrollment.EnrollResponse>;
  /** @throws {PactError} NOT_FOUND for a serial that is not the node's current one (CRT-4). */
  renew(
    request: enrollment.RenewCertRequest,
    nodeId: string,
    presentedSerial: string,
    signal: AbortSignal,
  ): Promise<enrollment.RenewCertResponse>;
}

/** An enroller for one journal process. */
export function createEnroller(options: EnrollerOptions): Enroller {
  const limiter = new RefusalLimiter(options.rateLimitPerMinute);
  return {
    enroll: async (request, source, signal) => {
      const nowMs = options.clock.nowMs();
      const record = matchOrLimit(options, limiter, request, source, nowMs);
      try {
        return await admit(options, requireAdmissible(options, record, nowMs), request, signal);
      } catch (error) {
        if (error instanceof PactError) limiter.refused(source, nowMs);
        throw error;
      }
    },
    renew: (request, nodeId, presentedSerial, signal) =>
      renew(options, request, nodeId, presentedSerial, signal),
  };
}

/** The record of the presented hardware; strangers count against the limit (ENR-30). */
function matchOrLimit(
  { replica, log }: EnrollerOptions,
  limiter: RefusalLimiter,
  request: enrollment.EnrollRequest,
  source: string,
  nowMs: number,
): Enrollment {
  try {
    return matchRecord(replica, request);
  } catch (error) {
    if (!limiter.mayTry(source, nowMs)) {
      throw new PactError(
        "RATE_LIMITED",
        "RATE_LIMITED: too many refused enrollments, retry later",
        {
          trailers: { "retry-after-ms": "10000" },
        },
      );
    }
    limiter.refused(source, nowMs);
    log.warn("enrollment refused", { source, reason: error instanceof Error ? error.message : "" });
    throw error;
  }
}

/** Any presented identifier finds the record; every stored one must be presented (ENR-13). */
function matchRecord(replica: Replica, request: enrollment.EnrollRequest): Enrollment {
  const { keys } = normalizeHardware(request.hardwareIdentity);
  const owners = new Set(
    keys.map((key) => replica.state.get("hw_index", key)?.node_id).filter((id) => id !== undefined),
  );
  const [nodeId] = owners;
  const record = nodeId === undefined ? undefined : replica.state.get("enrollments", nodeId);
  if (record === undefined) {
    throw new PactError("NODE_NOT_ENROLLED", "NODE_NOT_ENROLLED: hardware identity not recognized");
  }
  if (owners.size > 1 || !record.hardware_keys.every((key) => keys.includes(key))) {
    throw new PactError(
      "HARDWARE_IDENTITY_MISMATCH",
      `HARDWARE_IDENTITY_MISMATCH: the machine is not the one registered as ${record.node_id}`,
    );
  }
  return record;
}

/** A record that may be activated now (journal.md 9.1, ENR-1). */
function requireAdmissible(
  { isLive, activeLockSeconds }: EnrollerOptions,
  record: Enrollment,
  nowMs: number,
): Enrollment {
  const { node_id, state, last_seen } = record;
  if (state === "Revoked") throw new PactError("NODE_REVOKED", `NODE_REVOKED: ${node_id}`);
  const seenMs = last_seen === undefined ? 0 : Date.parse(last_seen);
  if (state === "Active" && (isLive(node_id) || nowMs - seenMs < activeLockSeconds * 1000)) {
    throw new PactError("ALREADY_ACTIVE", `ALREADY_ACTIVE: ${node_id}`);
  }
  return record;
}

async function admit(
  options: EnrollerOptions,
  record: Enrollment,
  request: enrollment.EnrollRequest,
  signal: AbortSignal,
): Promise<enrollment.EnrollResponse> {
  const { replica, domainId, clock, activeLockSeconds } = options;
  const { node_id } = record;
  const csr = await readCsr(request.csr);
  const submit = { actor: SYSTEM_IDENTITY, signal };
  const goneSinceMs = clock.nowMs() - activeLockSeconds * 1000;
  await replica.submit({
    type: "ActivateNode",
    node_id,
    gone_since: new Date(goneSinceMs).toISOString(),
  }, submit);
  const issued = await sign(options, node_id, csr).catch(async (error: unknown) => {
    const to = record.state === "Registered" ? "Registered" : "Inactive";
    await replica.submit({ type: "DeactivateNode", node_id, to, reason: "signing failed" }, submit);
    throw error;
  });
  await replica.submit({
    type: "UpdateNodeCert",
    node_id,
    cert_serial: issued.serialHex,
    cert_expires_at: issued.notAfter.toISOString(),
    revoke_previous: record.cert_serial !== undefined,
  }, submit);
  options.log.info("node enrolled", { node: node_id, serial: issued.serialHex });
  return create(enrollment.EnrollResponseSchema, {
    nodeId: node_id,
    domainId,
    ...certificateFields(options, issued),
    vclusterId: replica.state.get("node_assignments", node_id)?.vcluster_id ?? "",
    trustBundle: new TextEncoder().encode(options.trustBundle()),
  });
}

async function renew(
  options: EnrollerOptions,
  request: enrollment.RenewCertRequest,
  nodeId: string,
  presentedSerial: string,
  signal: AbortSignal,
): Promise<enrollment.RenewCertResponse> {
  const record = options.replica.state.get("enrollments", nodeId);
  const current = record?.cert_serial;
  if (
    current === undefined || current !== presentedSerial || request.currentCertSerial !== current
  ) {
    throw new PactError("NOT_FOUND", "no enrollment for this certificate serial");
  }
  const issued = await sign(options, nodeId, await readCsr(request.csr));
  await options.replica.submit({
    type: "UpdateNodeCert",
    node_id: nodeId,
    cert_serial: issued.serialHex,
    cert_expires_at: issued.notAfter.toISOString(),
    expected_serial: current,
  }, { actor: SYSTEM_IDENTITY, signal });
  return create(enrollment.RenewCertResponseSchema, certificateFields(options, issued));
}

function certificateFields({ ca, trustBundle }: EnrollerOptions, issued: IssuedCertificate) {
  const encoder = new TextEncoder();
  return {
    signedCert: encoder.encode(issued.certPem),
    caChain: encoder.encode(`${ca.chainPem.trimEnd()}\n${trustBundle()}`),
    certSerial: issued.serialHex,
    certExpiresAt: issued.notAfter.toISOString(),
  };
}

/** @throws {PactError} INVALID_ARGUMENT for a request that proves no key (ENR-21, ENR-23). */
async function readCsr(bytes: Uint8Array): Promise<VerifiedCsr> {
  if (bytes.length === 0) throw new PactError("INVALID_ARGUMENT", "csr required");
  try {
    return await verifyCsr(bytes);
  } catch (error) {
    if (!(error instanceof TlsError)) throw error;
    throw new PactError("INVALID_ARGUMENT", `csr refused: ${error.message}`);
  }
}

async function sign(
  { ca, domainId, certLifetimeSeconds, clock }: EnrollerOptions,
  nodeId: string,
  csr: VerifiedCsr,
): Promise<IssuedCertificate> {
  try {
    const options = { now: new Date(clock.nowMs()), lifetimeSeconds: certLifetimeSeconds };
    return await issueAgentCertificate(ca, { nodeId, domainId }, csr, options);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new PactError("INTERNAL", `CSR signing failed: ${reason}`, { cause: error });
  }
}
