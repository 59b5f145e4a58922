/** The actions an audit event can have (section 7.2), by group. */

/** The fixed actions of both systems. */
export const AUDIT_ACTIONS = [
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
  "identity.federation_gc",
  "namespace.handoff",
  "namespace.handoff_failed",
  "namespace.cleanup",
  "namespace.leak_detected",
  "mount.acquire",
  "mount.release",
  "mount.force_unmount",
  "mount.refcount_corrected",
  "network.configured",
  "network.failed",
  "network.link_lost",
  "boot.phase_complete",
  "boot.phase_failed",
  "boot.ready",
  "boot.watchdog_timeout",
  "boot.spire_svid_acquired",
  "config.commit",
  "config.rollback",
  "config.drift_detected",
  "admin.exec",
  "admin.shell_start",
  "admin.shell_end",
  "admin.emergency_start",
  "admin.emergency_end",
  "enrollment.enrolled",
  "enrollment.activated",
  "enrollment.decommissioned",
  "enrollment.cert_renewed",
  "workload.allocation_start",
  "workload.allocation_end",
  "workload.checkpoint_triggered",
  "workload.preemption",
] as const;

export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** Actions of pact's own (AE-10). */
export const AUDIT_ACTION_EXTENSIONS = [
  "service.oom",
  "service.health_failed",
  "network.link_restored",
  "config.merge_conflict",
  "config.grace_overwrite",
  "config.rollback_blocked",
  "admin.diag",
  "admin.shell_command",
  "admin.local_read",
  "auth.denied",
  "audit.gap",
  "audit.degraded",
  "boot.self_restart",
  "identity.map_updated",
] as const;

export type AuditActionExtension = (typeof AUDIT_ACTION_EXTENSIONS)[number];

/** AS-6: actions whose event must be durable before they take effect. */
export const EMIT_FIRST_ACTIONS: readonly string[] = [
  "emergency.freeze",
  "emergency.kill",
  "mount.force_unmount",
];

/** Longest action name. */
const MAX_ACTION_LENGTH = 128;

/** Whether a text can be an action: a fixed one or any dotted lower-case extension (7.1). */
export function isAuditAction(action: string): boolean {
  return action.length <= MAX_ACTION_LENGTH &&
    /^[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+$/.test(action);
}
