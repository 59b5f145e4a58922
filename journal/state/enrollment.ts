/**
 * Enrollment records (journal.md 9.1).
 *
 * | from                 | command                    | to                                  |
 * |----------------------|----------------------------|-------------------------------------|
 * | none, Revoked        | RegisterNode               | Registered                          |
 * | Registered, Inactive | ActivateNode               | Active                              |
 * | Active               | ActivateNode, holder gone  | Active                              |
 * | Active               | ActivateNode, by SPIFFE ID | Active                              |
 * | Active               | ActivateNode               | rejected ALREADY_ACTIVE             |
 * | Active               | DeactivateNode             | Inactive (Registered: undone)       |
 * | any but Revoked      | RevokeNode                 | Revoked                             |
 * | Revoked              | all but RegisterNode       | rejected NODE_REVOKED               |
 *
 * @module
 */
import type { CommandOf } from "./commands.ts";
import type { CommandResult, Enrollment } from "./documents.ts";
import { assignRecorded } from "./assignment.ts";
import { liveEnrollment } from "./live_enrollment.ts";
import { followEntry } from "./node_state.ts";
import { reject, type Transaction } from "./transaction.ts";

/** New record; identifiers are free or belonged to a revoked node (ENR-12, ENR-41). */
export function registerNode(tx: Transaction, command: CommandOf<"RegisterNode">): CommandResult {
  const { node_id, hardware_keys } = command;
  const former = tx.get("enrollments", node_id);
  if (former !== undefined && former.state !== "Revoked") {
    reject("NODE_ALREADY_ENROLLED", `NODE_ALREADY_ENROLLED: ${node_id}`);
  }
  for (const key of hardware_keys) refuseTaken(tx, key);
  for (const key of former?.hardware_keys ?? []) {
    if (tx.get("hw_index", key)?.node_id === node_id) tx.delete("hw_index", key);
  }
  for (const key of hardware_keys) tx.put("hw_index", key, { node_id });
  tx.put("enrollments", node_id, {
    node_id,
    domain_id: command.domain_id,
    state: "Registered",
    hardware_identity: command.hardware_identity,
    hardware_keys,
    enrolled_at: tx.timestamp,
    enrolled_by: tx.actor.principal,
    active_sessions: 0,
  });
  tx.delete("node_states", node_id);
  const entry = tx.record({
    entry_type: "NodeEnrolled",
    scope: { Node: node_id },
    message: former === undefined ? undefined : "re-registration of a revoked node",
  });
  followEntry(tx, entry);
  const assigned = command.vcluster_id === undefined
    ? undefined
    : assignRecorded(tx, node_id, command.vcluster_id);
  return enrollmentResult(tx, node_id, assigned ?? entry.sequence);
}

/** An enrolling or returning node becomes Active, unless someone holds the identity now. */
export function activateNode(tx: Transaction, command: CommandOf<"ActivateNode">): CommandResult {
  const record = liveEnrollment(tx, command.node_id);
  const { spiffe_id } = command;
  if (record.state === "Active" && spiffe_id === undefined && !holderGone(record, command)) {
    reject("ALREADY_ACTIVE", `ALREADY_ACTIVE: ${command.node_id}`);
  }
  tx.put("enrollments", record.node_id, {
    ...record,
    state: "Active",
    last_seen: tx.timestamp,
    cert_serial: command.cert_serial ?? record.cert_serial,
    cert_expires_at: command.cert_expires_at ?? record.cert_expires_at,
    ...(spiffe_id === undefined ? {} : { spiffe_id }),
  });
  const entry = tx.record({
    entry_type: "NodeActivated",
    scope: { Node: record.node_id },
    message: `was ${record.state}` + (spiffe_id === undefined ? "" : `, as ${spiffe_id}`),
  });
  return enrollmentResult(tx, record.node_id, entry.sequence, { previous_state: record.state });
}

/** An Active node without contact becomes Inactive; one that was seen meanwhile stays (HB-3). */
export function deactivateNode(
  tx: Transaction,
  command: CommandOf<"DeactivateNode">,
): CommandResult {
  const record = liveEnrollment(tx, command.node_id);
  const seen = Date.parse(record.last_seen ?? record.enrolled_at);
  const seenMeanwhile = command.unseen_since !== undefined &&
    seen >= Date.parse(command.unseen_since);
  if (record.state !== "Active" || seenMeanwhile) {
    return enrollmentResult(tx, record.node_id, undefined, { previous_state: record.state });
  }
  tx.put("enrollments", record.node_id, { ...record, state: command.to, active_sessions: 0 });
  const entry = tx.record({
    entry_type: "NodeDeactivated",
    scope: { Node: record.node_id },
    message: command.reason,
  });
  return enrollmentResult(tx, record.node_id, entry.sequence, { previous_state: record.state });
}

/** Decommissions a node: certificate revoked, assignment gone, identifiers in quarantine (ENR-41). */
export function revokeNode(tx: Transaction, command: CommandOf<"RevokeNode">): CommandResult {
  const record = liveEnrollment(tx, command.node_id);
  const sessions = record.active_sessions;
  if (sessions > 0 && !command.force) {
    reject(
      "ACTIVE_SESSIONS",
      `${sessions} active session(s) on this node — use --force to terminate`,
    );
  }
  const { vcluster_id: _former, ...kept } = record;
  tx.put("enrollments", record.node_id, { ...kept, state: "Revoked", active_sessions: 0 });
  tx.delete("node_assignments", record.node_id);
  const entry = tx.record({
    entry_type: "NodeDecommissioned",
    scope: { Node: record.node_id },
    message: command.reason,
  });
  const last = revokeSerial(tx, record) ?? entry.sequence;
  return enrollmentResult(tx, record.node_id, last, {
    previous_state: record.state,
    revoked_serial: record.cert_serial,
    sessions_terminated: sessions,
  });
}

/** Notes a newly issued certificate; of two renewals of one serial the first wins (CRT-4). */
export function updateNodeCert(
  tx: Transaction,
  command: CommandOf<"UpdateNodeCert">,
): CommandResult {
  const record = liveEnrollment(tx, command.node_id);
  const { expected_serial } = command;
  if (expected_serial !== undefined && record.cert_serial !== expected_serial) {
    reject("NOT_FOUND", "no enrollment for this certificate serial");
  }
  if (command.revoke_previous) revokeSerial(tx, record, command.revoked_from);
  tx.put("enrollments", record.node_id, {
    ...record,
    cert_serial: command.cert_serial,
    cert_expires_at: command.cert_expires_at,
    last_seen: tx.timestamp,
  });
  const entry = tx.record({
    entry_type: "CertSigned",
    scope: { Node: record.node_id },
    message: `serial ${command.cert_serial}, valid until ${command.cert_expires_at}`,
  });
  return enrollmentResult(tx, record.node_id, entry.sequence);
}

/** Takes over a batch of contacts; unknown nodes are skipped, time never goes back (HB-2). */
export function updateLastSeen(
  tx: Transaction,
  { nodes }: CommandOf<"UpdateNodeLastSeen">,
): CommandResult {
  for (const { node_id, last_seen } of nodes) {
    const record = tx.get("enrollments", node_id);
    if (record === undefined || record.state === "Revoked") continue;
    if (Date.parse(last_seen) <= Date.parse(record.last_seen ?? record.enrolled_at)) continue;
    tx.put("enrollments", node_id, { ...record, last_seen });
  }
  return { kind: "Ok" };
}

function refuseTaken(tx: Transaction, key: string): void {
  const holder = tx.get("hw_index", key)?.node_id;
  if (holder === undefined || tx.get("enrollments", holder)?.state === "Revoked") return;
  reject(
    "HARDWARE_IDENTITY_CONFLICT",
    `HARDWARE_IDENTITY_CONFLICT: hardware already registered to ${holder}`,
  );
}

function holderGone(
  record: Enrollment,
  { gone_since, found_gone_at }: CommandOf<"ActivateNode">,
): boolean {
  const seen = record.last_seen ?? record.enrolled_at;
  // Of two that found the same holder gone, the first is a new holder to the second.
  if (found_gone_at === seen) return true;
  return gone_since !== undefined && Date.parse(seen) < Date.parse(gone_since);
}

function revokeSerial(
  tx: Transaction,
  record: Enrollment,
  effectiveFrom?: string,
): number | undefined {
  const { cert_serial: serial, node_id } = record;
  if (serial === undefined) return undefined;
  tx.put("revoked_serials", serial, {
    node_id,
    revoked_at: tx.timestamp,
    not_after: record.cert_expires_at ?? tx.timestamp,
    ...(effectiveFrom === undefined ? {} : { effective_from: effectiveFrom }),
  });
  const from = effectiveFrom === undefined ? "" : ` from ${effectiveFrom} on`;
  const entry = tx.record({
    entry_type: "CertRevoked",
    scope: { Node: node_id },
    message: `serial ${serial}${from}`,
  });
  return entry.sequence;
}

function enrollmentResult(
  tx: Transaction,
  nodeId: string,
  sequence: number | undefined,
  more: {
    readonly previous_state?: Enrollment["state"];
    readonly revoked_serial?: string | undefined;
    readonly sessions_terminated?: number;
  } = {},
): CommandResult {
  const record = tx.get("enrollments", nodeId);
  return {
    kind: "EnrollmentResult",
    node_id: nodeId,
    state: record?.state ?? "Registered",
    vcluster_id: record?.vcluster_id,
    sequence,
    ...more,
  };
}
