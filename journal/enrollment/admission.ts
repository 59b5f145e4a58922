import { fromBinary } from "@bufbuild/protobuf";
import { enrollment } from "../../api/mod.ts";
import { lockKey, lockText } from "../../common/authz/mod.ts";
import type { Clock } from "../../common/clock/mod.ts";
import { PactError } from "../../common/errors/mod.ts";
import { isProofOf } from "../../common/tls/mod.ts";
import type { Peer } from "../../common/rpc_server/mod.ts";
import type { Replica } from "../replica/mod.ts";
import { type Enrollment, isLockOver, lockFacts } from "../state/mod.ts";
import { normalizeHardware } from "./hardware.ts";
import type { Holders } from "./holders.ts";
import { type IdentityStrength, weakness } from "./strength.ts";

/** What admission is decided by. */
export interface AdmissionParts {
  readonly replica: Pick<Replica, "state">;
  readonly trustBundle: () => string;
  readonly lastSeenMs: (nodeId: string) => number | undefined;
  readonly holders: Holders;
  readonly activeLockSeconds: number;
  readonly minIdentity: IdentityStrength;
  readonly clock: Clock;
}

/** A machine that may become active. */
export interface Admission {
  readonly record: Enrollment;
  /** The SPIFFE ID that it has proven for this node, under which it enrols (NEN-11). */
  readonly spiffeId: string | undefined;
  /** It holds the key of the certificate that the record names. */
  readonly isSameHolder: boolean;
  /** The holder within the lock is out of the way as of this last sign of it. */
  readonly foundGoneAt: string | undefined;
}

/**
 * The record of the presented hardware, if it may be activated now (journal.md 9.1, ENR-1, ENR-13).
 *
 * @throws {PactError} with the codes of ENR-24.
 */
export async function requireAdmissible(
  parts: AdmissionParts,
  request: enrollment.EnrollRequest,
  peer: Peer,
): Promise<Admission> {
  const record = matchRecord(parts.replica, request);
  const { node_id, state, hardware_keys } = record;
  if (state === "Revoked") throw new PactError("NODE_REVOKED", `NODE_REVOKED: ${node_id}`);
  requireLetIn(parts, node_id);
  const weak = weakness(hardware_keys, parts.minIdentity);
  if (weak !== undefined) {
    throw new PactError(
      "HARDWARE_IDENTITY_MISMATCH",
      `HARDWARE_IDENTITY_MISMATCH: ${node_id}: ${weak}`,
    );
  }
  const spiffeId = provenSpiffeId(peer, node_id);
  // Whoever the trust domain says the node to be holds its identity, whoever else is there.
  const isSameHolder = spiffeId !== undefined || isProven(parts, request, record);
  const admission = { record, spiffeId, isSameHolder };
  if (spiffeId !== undefined || !isLocked(parts, record)) {
    return { ...admission, foundGoneAt: undefined };
  }
  const foundGoneAt = record.last_seen ?? record.enrolled_at;
  if (isSameHolder || await parts.holders.isGone(node_id, foundGoneAt)) {
    return { ...admission, foundGoneAt };
  }
  throw new PactError("ALREADY_ACTIVE", `ALREADY_ACTIVE: ${node_id}`);
}

/** A node that an admin keeps out gets no certificate either. @throws {PactError} LOCKED */
function requireLetIn({ replica, clock }: AdmissionParts, nodeId: string): void {
  const lock = replica.state.get("locks", lockKey("node", nodeId));
  if (lock === undefined || isLockOver(lock, clock.nowMs())) return;
  throw new PactError("LOCKED", lockText(lockFacts(lock)));
}

/** Any presented identifier finds the record; every stored one must be presented (ENR-13). */
function matchRecord(
  { state }: Pick<Replica, "state">,
  request: enrollment.EnrollRequest,
): Enrollment {
  const { keys } = normalizeHardware(request.hardwareIdentity);
  const owners = new Set(
    keys.map((key) => state.get("hw_index", key)?.node_id).filter((id) => id !== undefined),
  );
  const [nodeId] = owners;
  const record = nodeId === undefined ? undefined : state.get("enrollments", nodeId);
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

/**
 * The SPIFFE ID of the connection, where there is one.
 *
 * @throws {PactError} IDENTITY_MISMATCH for one that names another than the registered node.
 */
function provenSpiffeId({ certificate, authorized }: Peer, nodeId: string): string | undefined {
  const svid = certificate?.svid;
  if (svid === undefined || !authorized) return undefined;
  if (certificate?.kind === "agent" && certificate.nodeId === nodeId) return svid.uri;
  throw new PactError(
    "IDENTITY_MISMATCH",
    `IDENTITY_MISMATCH: the machine is registered as ${nodeId}, and its SVID is ${svid.uri}`,
  );
}

/** Whether somebody holds the identity, by a stream or by having been seen just now. */
function isLocked(
  { lastSeenMs, activeLockSeconds, clock }: AdmissionParts,
  { node_id, state, last_seen }: Enrollment,
): boolean {
  const seenMs = Math.max(
    last_seen === undefined ? 0 : Date.parse(last_seen),
    lastSeenMs(node_id) ?? 0,
  );
  return state === "Active" && clock.nowMs() - seenMs < activeLockSeconds * 1000;
}

/** The key of the current certificate makes whoever asks its holder (ENR-2). */
function isProven(
  { trustBundle }: AdmissionParts,
  { previousKeyProof, csr }: enrollment.EnrollRequest,
  { cert_serial }: Enrollment,
): boolean {
  if (previousKeyProof.length === 0 || cert_serial === undefined) return false;
  try {
    const proof = fromBinary(enrollment.PreviousKeyProofSchema, previousKeyProof);
    return isProofOf(proof, csr, { serialHex: cert_serial, trustPem: trustBundle() });
  } catch {
    return false;
  }
}
