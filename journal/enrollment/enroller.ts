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
import type { Peer } from "../../common/rpc_server/mod.ts";
import type { Replica } from "../replica/mod.ts";
import type { AuditNote, Enrollment } from "../state/mod.ts";
import { type Admission, requireAdmissible } from "./admission.ts";
import { normalizeHardware } from "./hardware.ts";
import type { Holders } from "./holders.ts";
import { RefusalLimiter } from "./rate_limit.ts";
import { type IdentityStrength, strengthOf } from "./strength.ts";

/** What enrolment works with. */
export interface EnrollerOptions {
  readonly replica: Replica;
  readonly ca: CertificateAuthority;
  /** The trust bundle nodes get, as PEM. */
  readonly trustBundle: () => string;
  /** When this process last heard of a node, in milliseconds since the epoch. */
  readonly lastSeenMs: (nodeId: string) => number | undefined;
  readonly holders: Holders;
  readonly domainId: string;
  readonly certLifetimeSeconds: number;
  readonly activeLockSeconds: number;
  /** The weakest identity that is let in (ENR-14). */
  readonly minIdentity: IdentityStrength;
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
    peer: Peer,
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

/** How long the former certificate still serves once another one is issued (ENR-2). */
const OVERLAP_MS = 60_000;

/** An activation that loses to a late report of the former holder is tried once more. */
const MAX_ACTIVATIONS = 2;

/** Refusals that are the caller's doing: they count against its limit (ENR-30). */
const OUTCOMES: Readonly<Partial<Record<ErrorCode, EnrollmentOutcome>>> = {
  NODE_NOT_ENROLLED: "not_enrolled",
  NODE_REVOKED: "revoked",
  ALREADY_ACTIVE: "active",
  HARDWARE_IDENTITY_MISMATCH: "mismatch",
  IDENTITY_MISMATCH: "mismatch",
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
    enroll: async (request, peer, signal) => {
      if (underWay >= MAX_UNDER_WAY) throw tooMany(1_000);
      underWay++;
      try {
        const answer = await admit(options, request, peer, signal);
        counts.attempted("ok");
        return answer;
      } catch (error) {
        throw refusalFor(error, request, peer.remoteAddress);
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

async function admit(
  options: EnrollerOptions,
  request: enrollment.EnrollRequest,
  peer: Peer,
  signal: AbortSignal,
): Promise<enrollment.EnrollResponse> {
  const { replica, clock } = options;
  const { remoteAddress: source } = peer;
  const { csr, record, isSameHolder, spiffeId } = await activate(options, request, peer, signal);
  const { node_id } = record;
  if (csr === undefined) {
    options.log.info("node enrolled", { node: node_id, spiffe_id: spiffeId ?? "" });
    return enrolledAnswer(options, node_id);
  }
  // From the activation on, the attempt is carried through even if the caller goes away.
  const submit = { actor: SYSTEM_IDENTITY };
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
    revoke_previous: record.cert_serial !== undefined && !isSameHolder,
    revoked_from: new Date(clock.nowMs() + OVERLAP_MS).toISOString(),
  }, {
    ...submit,
    audit: certificateNote("NodeEnroll", node_id, issued, source, {
      identity: strengthOf(record.hardware_keys),
      ...(isSameHolder ? { former_key: "proven" } : {}),
    }),
  });
  options.counts.signed("enroll");
  options.log.info("node enrolled", { node: node_id, serial: issued.serialHex });
  return enrolledAnswer(options, node_id, issued);
}

/** What a node learns when it has become active; without a certificate where its SVID serves. */
function enrolledAnswer(
  options: EnrollerOptions,
  nodeId: string,
  issued?: IssuedCertificate,
): enrollment.EnrollResponse {
  const { replica, domainId, trustBundle } = options;
  const bundle = new TextEncoder().encode(trustBundle());
  return create(enrollment.EnrollResponseSchema, {
    nodeId,
    domainId,
    ...(issued === undefined ? { caChain: bundle } : certificateFields(options, issued)),
    vclusterId: replica.state.get("node_assignments", nodeId)?.vcluster_id ?? "",
    trustBundle: bundle,
  });
}

/** Makes the node Active; of several that try at once the first wins (ENR-21). */
async function activate(
  options: EnrollerOptions,
  request: enrollment.EnrollRequest,
  peer: Peer,
  signal: AbortSignal,
): Promise<Admission & { readonly csr: VerifiedCsr | undefined }> {
  const { replica, clock, activeLockSeconds } = options;
  let lost: unknown;
  for (let attempt = 0; attempt < MAX_ACTIVATIONS; attempt++) {
    const admission = await requireAdmissible(options, request, peer);
    const { record, spiffeId } = admission;
    // Whoever has an SVID needs no certificate of this journal's (CRT-3).
    const isSvidEnough = spiffeId !== undefined && request.csr.length === 0;
    const csr = isSvidEnough ? undefined : await readCsr(request.csr);
    const isKnown = record.state === "Active" && record.spiffe_id === spiffeId;
    if (isSvidEnough && isKnown) return { ...admission, csr };
    try {
      await replica.submit({
        type: "ActivateNode",
        node_id: admission.record.node_id,
        gone_since: new Date(clock.nowMs() - activeLockSeconds * 1000).toISOString(),
        ...(admission.foundGoneAt === undefined ? {} : { found_gone_at: admission.foundGoneAt }),
        ...(spiffeId === undefined ? {} : { spiffe_id: spiffeId }),
      }, {
        actor: SYSTEM_IDENTITY,
        signal,
        ...(isSvidEnough ? { audit: svidNote(record, spiffeId, peer.remoteAddress) } : {}),
      });
      return { ...admission, csr };
    } catch (error) {
      const isLate = error instanceof PactError && error.code === "ALREADY_ACTIVE";
      if (!isLate || admission.foundGoneAt === undefined) throw error;
      lost = error;
    }
  }
  throw lost;
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

function svidNote({ node_id, hardware_keys }: Enrollment, id: string, source: string): AuditNote {
  return {
    operation_type: "NodeEnroll",
    scope: { Node: node_id },
    detail: `by ${id}`,
    source,
    metadata: { identity: strengthOf(hardware_keys) },
  };
}

function certificateNote(
  operationType: "NodeEnroll" | "CertRenew",
  nodeId: string,
  { serialHex, notAfter }: IssuedCertificate,
  source: string,
  metadata: Record<string, string> = {},
): AuditNote {
  return {
    operation_type: operationType,
    scope: { Node: nodeId },
    detail: `certificate ${serialHex}, valid until ${notAfter.toISOString()}`,
    source,
    metadata,
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
