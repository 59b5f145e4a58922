import { create } from "@bufbuild/protobuf";
import { policy as wire } from "../../api/mod.ts";
import { PactError } from "../errors/mod.ts";
import { type Policy, type PolicySettings, PolicySettingsSchema } from "../model/mod.ts";
import { instantToWire, present } from "./scalars.ts";

/** Protobuf form of a policy. */
export function policyToWire(policy: Policy): wire.VClusterPolicy {
  return create(wire.VClusterPolicySchema, {
    ...settingsToWire(policy),
    vclusterId: policy.vcluster_id,
    policyId: policy.policy_id,
    updatedAt: instantToWire(policy.updated_at),
    version: BigInt(policy.version),
  });
}

/** Protobuf form of settings alone, as an update carries them. */
export function settingsToWire(settings: PolicySettings): wire.VClusterPolicy {
  return create(wire.VClusterPolicySchema, {
    driftSensitivity: settings.drift_sensitivity,
    baseCommitWindowSeconds: settings.base_commit_window_seconds,
    emergencyWindowSeconds: settings.emergency_window_seconds,
    autoConvergeCategories: settings.auto_converge_categories,
    requireAckCategories: settings.require_ack_categories,
    enforcementMode: settings.enforcement_mode,
    roleBindings: settings.role_bindings.map((binding) => ({
      role: binding.role,
      principals: binding.principals,
      allowedActions: binding.allowed_actions,
    })),
    regulated: settings.regulated,
    twoPersonApproval: settings.two_person_approval,
    auditRetentionDays: settings.audit_retention_days,
    ...present("federationTemplate", settings.federation_template),
    supervisorBackend: settings.supervisor_backend,
    execWhitelist: settings.exec_whitelist,
    shellWhitelist: settings.shell_whitelist,
    emergencyAllowed: settings.emergency_allowed,
    aiExecAllowed: settings.ai_exec_allowed,
    approvalTimeoutSeconds: settings.approval_timeout_seconds,
    conflictGraceSeconds: settings.conflict_grace_seconds,
    identityMode: settings.identity_mode,
    minIdentity: settings.min_identity,
    extraLogPaths: settings.extra_log_paths,
    whitelistMode: settings.whitelist_mode,
    requireOpa: settings.require_opa,
    restartableServices: settings.restartable_services,
    driftWeights: settings.drift_weights,
  });
}

/**
 * Settings from the wire. A zero or empty text where the range excludes it means the default,
 * because proto3 cannot tell it from absent (VCP-2).
 *
 * @throws {PactError} INVALID_ARGUMENT naming the field.
 */
export function settingsFromWire(message: wire.VClusterPolicy): PolicySettings {
  const parsed = PolicySettingsSchema.safeParse({
    drift_sensitivity: message.driftSensitivity,
    ...present("base_commit_window_seconds", stated(message.baseCommitWindowSeconds)),
    ...present("emergency_window_seconds", stated(message.emergencyWindowSeconds)),
    auto_converge_categories: message.autoConvergeCategories,
    require_ack_categories: message.requireAckCategories,
    ...present("enforcement_mode", stated(message.enforcementMode)),
    role_bindings: message.roleBindings.map((binding) => ({
      role: binding.role,
      principals: binding.principals,
      allowed_actions: binding.allowedActions,
    })),
    regulated: message.regulated,
    two_person_approval: message.twoPersonApproval,
    emergency_allowed: message.emergencyAllowed,
    ...present("audit_retention_days", stated(message.auditRetentionDays)),
    ...present("federation_template", stated(message.federationTemplate ?? "")),
    ...present("supervisor_backend", stated(message.supervisorBackend)),
    exec_whitelist: message.execWhitelist,
    shell_whitelist: message.shellWhitelist,
    ai_exec_allowed: message.aiExecAllowed,
    ...present("approval_timeout_seconds", stated(message.approvalTimeoutSeconds)),
    conflict_grace_seconds: message.conflictGraceSeconds,
    ...present("identity_mode", stated(message.identityMode)),
    ...present("min_identity", stated(message.minIdentity)),
    extra_log_paths: message.extraLogPaths,
    ...present("whitelist_mode", stated(message.whitelistMode)),
    require_opa: message.requireOpa,
    restartable_services: message.restartableServices,
    ...present("drift_weights", message.driftWeights && weights(message.driftWeights)),
  });
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new PactError(
    "INVALID_ARGUMENT",
    `${issue?.path.join(".") ?? "policy"}: ${issue?.message ?? "invalid"}`,
  );
}

function stated<Value extends string | number>(value: Value): Value | undefined {
  return value === 0 || value === "" ? undefined : value;
}

function weights(message: NonNullable<wire.VClusterPolicy["driftWeights"]>) {
  const { mounts, files, network, services, kernel, packages, gpu } = message;
  return { mounts, files, network, services, kernel, packages, gpu };
}
