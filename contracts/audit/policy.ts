/** Which events must be delivered and made durable at once (section 7.5). */
import type { JsonObject, JsonValue } from "../json.ts";
import { JsonReader } from "../json_reader.ts";

/** Selects what must be delivered, never what may be emitted (CP-2). */
export interface CompliancePolicy {
  readonly retentionDays: number;
  /** Adds read accesses as `admin.local_read`. */
  readonly logAllAccess: boolean;
  readonly requiredAuditPoints: readonly string[];
}

/** For vClusters without regulation. */
export const DEFAULT_COMPLIANCE: CompliancePolicy = {
  retentionDays: 365,
  logAllAccess: false,
  requiredAuditPoints: [
    "service.crash",
    "emergency.freeze",
    "emergency.kill",
    "identity.uid_assigned",
    "namespace.handoff_failed",
    "boot.phase_failed",
    "enrollment.enrolled",
    "enrollment.decommissioned",
    "config.commit",
    "config.rollback",
  ],
};

/** For regulated vClusters (CP-3). */
export const REGULATED_COMPLIANCE: CompliancePolicy = {
  retentionDays: 2555,
  logAllAccess: true,
  requiredAuditPoints: [
    "service.start",
    "service.stop",
    "service.restart",
    "service.crash",
    "cgroup.create",
    "cgroup.destroy",
    "cgroup.kill_failed",
    "emergency.freeze",
    "emergency.kill",
    "identity.uid_assigned",
    "identity.range_exhausted",
    "namespace.handoff",
    "namespace.handoff_failed",
    "namespace.cleanup",
    "mount.acquire",
    "mount.release",
    "mount.force_unmount",
    "network.configured",
    "network.failed",
    "boot.phase_complete",
    "boot.phase_failed",
    "boot.ready",
    "config.commit",
    "config.rollback",
    "config.drift_detected",
    "admin.exec",
    "admin.shell_start",
    "admin.shell_end",
    "admin.emergency_start",
    "admin.emergency_end",
    "enrollment.enrolled",
    "enrollment.decommissioned",
    "enrollment.cert_renewed",
  ],
};

/** CP-1: exact membership. */
export function isRequired(policy: CompliancePolicy, action: string): boolean {
  return policy.requiredAuditPoints.includes(action);
}

/** CP-3: the policy of a vCluster, with the longer of the two retention times. */
export function complianceFor(regulated: boolean, auditRetentionDays: number): CompliancePolicy {
  const policy = regulated ? REGULATED_COMPLIANCE : DEFAULT_COMPLIANCE;
  return { ...policy, retentionDays: Math.max(policy.retentionDays, auditRetentionDays) };
}

/** The JSON form of a policy, with the names of the contract. */
export function compliancePolicyToJson(policy: CompliancePolicy): JsonObject {
  return {
    retention_days: policy.retentionDays,
    log_all_access: policy.logAllAccess,
    required_audit_points: policy.requiredAuditPoints,
  };
}

/** @throws {JsonError} when a member is missing or has the wrong type */
export function compliancePolicyFromJson(value: JsonValue): CompliancePolicy {
  const reader = new JsonReader(value, "policy");
  return {
    retentionDays: reader.whole("retention_days", 2 ** 32 - 1),
    logAllAccess: reader.flag("log_all_access"),
    requiredAuditPoints: reader.texts("required_audit_points", 1024),
  };
}
