/**
 * Lets machines in: matches their hardware, activates the record, signs the certificate. It owns the
 * limiter and the records of refused attempts, and ends with `close`.
 */

import { create } from "@bufbuild/protobuf";
import { enrollment } from "../../api/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import { type ErrorCode, PactError } from "../../common/errors/mod.ts";
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
import { RefusalRecords } from "../access/mod.ts";
import type { Replica } from "../replica/mod.ts";
import type { AuditNote, Enrollment } from "../state/mod.ts";
import { normalizeHardware } from "./hardware.ts";
import { RefusalLimiter } from "./rate_limit.ts";

/** What enrolment works with. */
export interface EnrollerOptions {
  readonly replica: Replica;
  readonly ca: CertificateAuthority;
  /** The trust bundle nodes get, as PEM. */
  readonly trustBundle: () => string;
  /** When this process last heard of a node, in milliseconds since the epoch. */
  readonly lastSeenMs: (nodeId: string) => number | undefined;
  readonly domainId: string;
  readonly certLifetimeSeconds: number;
  readonly activeLockSeconds: number;
  readonly rateLimitPerMinute: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly counts: EnrollmentCounts;
}

/** How an attempt to enrol ended, as metrics tell it (journal.md 14.2). */
export type EnrollmentOutcome =
  | "ok"
  | "not_enrolled"
  | "revoked"
  | "active"
  | "mismatch"
  | "rate_limited"
  | "error";

/** Where attempts and certificates are counted. */
export interface EnrollmentCounts {
  attempted(outcome: EnrollmentOutcome): void;
  signed(kind: "enroll" | "renew"): void;
}

/** Who asks for a new certificate: the serial it presented, and where it called from. */
export interface RenewingPeer {
  readonly serial: string;
  readonly source: string;
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
    peer: RenewingPeer,
    signal: AbortSignal,
  ): Promise<enrollment.RenewCertResponse>;
  close(): void;
}

/** Most attempts under way at once (ENR-31). */
const MAX_UNDER_WAY = 20_000;
/** Most sources and reasons whose refusals are recorded apart (ENR-25). */
const MAX_RECORDED = 10_000;

/** Refusals that are the caller's doing: they count against its limit (ENR-30). */
const OUTCOMES: Readonly<Partial<Record<ErrorCode, EnrollmentOutcome>>> = {
  NODE_NOT_ENROLLED: "not_enrolled",
  NODE_REVOKED: "revoked",
  ALREADY_ACTIVE: "active",
  HARDWARE_IDENTITY_MISMATCH: "mismatch",
  INVALID_ARGUMENT: "error",
};

/** An enroller for one journal process. */
export function createEnroller(options: EnrollerOptions): Enroller {
  const { replica, clock, log, counts } = options;
  const limiter = new RefusalLimiter(options.rateLimitPerMinute);
  const records = new RefusalRecords({
    ...{ replica, clock, log, maxKeys: MAX_RECORDED },
    operationType: "NodeEnroll",
    message: "enrollment refused",
  });
  let underWay = 0;

  function refusalFor(error: unknown, request: enrollment.EnrollRequest, source: string): unknown {
    const outcome = error instanceof PactError ? OUTCOMES[error.code] : undefined;
    if (!(error instanceof PactError) || outcome === undefined) {
      counts.attempted("error");
      return error;
    }
    const isTooMany = !limiter.countRefusal(source, clock.nowMs());
    const refusal = isTooMany ? tooMany(10_000) : error;
    counts.attempted(isTooMany ? "rate_limited" : outcome);
    const { code, message } = refusal;
    const hardware = presentedBy(request).join(" ").slice(0, 1024);
    records.add({ source, code, detail: message, metadata: { hardware } });
    return refusal;
  }

  return {
    enroll: async (request, source, signal) => {
      if (underWay >= MAX_UNDER_WAY) throw tooMany(1_000);
      underWay++;
      try {
        const record = requireAdmissible(options, matchRecord(replica, request), clock.nowMs());
        const answer = await admit(options, record, request, source, signal);
        counts.attempted("ok");
        return answer;
      } catch (error) {
        throw refusalFor(error, request, source);
      } finally {
        underWay--;
      }
    },
    renew: (request, nodeId, peer, signal) => renew(options, request, nodeId, peer, signal),
    close: () => records.close(),
  };
}

function tooMany(retryAfterMs: number): PactError {
  return new PactError("RATE_LIMITED", "RATE_LIMITED: too many enrollments, retry later", {
    trailers: { "retry-after-ms": String(retryAfterMs) },
  });
}

/** The identifiers of a request for its record; of a malformed one, nothing. */
function presentedBy({ hardwareIdentity }: enrollment.EnrollRequest): readonly string[] {
  try {
    return normalizeHardware(hardwareIdentity).keys;
  } catch {
    return [];
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
  { lastSeenMs, activeLockSeconds }: EnrollerOptions,
  record: Enrollment,
  nowMs: number,
): Enrollment {
  const { node_id, state, last_seen } = record;
  if (state === "Revoked") throw new PactError("NODE_REVOKED", `NODE_REVOKED: ${node_id}`);
  const seenMs = Math.max(
    last_seen === undefined ? 0 : Date.parse(last_seen),
    lastSeenMs(node_id) ?? 0,
  );
  if (state === "Active" && nowMs - seenMs < activeLockSeconds * 1000) {
    throw new PactError("ALREADY_ACTIVE", `ALREADY_ACTIVE: ${node_id}`);
  }
  return record;
}

async function admit(
  options: EnrollerOptions,
  record: Enrollment,
  request: enrollment.EnrollRequest,
  source: string,
  signal: AbortSignal,
): Promise<enrollment.EnrollResponse> {
  const { replica, domainId, clock, activeLockSeconds } = options;
  const { node_id } = record;
  const csr = await readCsr(request.csr);
  // From the activation on, the attempt is carried through even if the caller goes away.
  const submit = { actor: SYSTEM_IDENTITY };
  const goneSinceMs = clock.nowMs() - activeLockSeconds * 1000;
  await replica.submit({
    type: "ActivateNode",
    node_id,
    gone_since: new Date(goneSinceMs).toISOString(),
  }, { ...submit, signal });
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
  }, { ...submit, audit: certificateNote("NodeEnroll", node_id, issued, source) });
  options.counts.signed("enroll");
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
  { serial: presentedSerial, source }: RenewingPeer,
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
  }, {
    actor: SYSTEM_IDENTITY,
    signal,
    audit: certificateNote("CertRenew", nodeId, issued, source),
  });
  options.counts.signed("renew");
  return create(enrollment.RenewCertResponseSchema, certificateFields(options, issued));
}

function certificateNote(
  operationType: "NodeEnroll" | "CertRenew",
  nodeId: string,
  { serialHex, notAfter }: IssuedCertificate,
  source: string,
): AuditNote {
  return {
    operation_type: operationType,
    scope: { Node: nodeId },
    detail: `certificate ${serialHex}, valid until ${notAfter.toISOString()}`,
    source,
    metadata: {},
  };
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
