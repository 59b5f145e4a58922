import * as z from "zod";
import { DRIFT_CATEGORIES } from "./delta.ts";
import { CounterSchema, InstantSchema, VClusterIdSchema } from "./identifiers.ts";

const CategoriesSchema = z.array(z.enum(DRIFT_CATEGORIES)).max(DRIFT_CATEGORIES.length).default([]);
const CommandNamesSchema = z.array(z.string().min(1).max(255).regex(/^[^/]+$/)).max(1000).default(
  [],
);
const WeightSchema = z.number().nonnegative().max(1000);

/** Grants exactly the listed actions to the listed principals inside one vCluster (POL-24). */
export const RoleBindingSchema = z.object({
  role: z.string().min(1).max(256),
  principals: z.array(z.string().min(1).max(1024)).max(1000),
  allowed_actions: z.array(z.string().min(1).max(64)).max(100),
});

/** Weight of each drift dimension (VCP-1); the defaults are those of policy.md section 7. */
export const DriftWeightsSchema = z.object({
  mounts: WeightSchema.default(1),
  files: WeightSchema.default(1),
  network: WeightSchema.default(1),
  services: WeightSchema.default(1),
  kernel: WeightSchema.default(2),
  packages: WeightSchema.default(1),
  gpu: WeightSchema.default(2),
});

/** Settings an administrator may change, with their defaults and ranges (policy.md section 7). */
const settings = {
  drift_sensitivity: z.number().min(0).max(1000).default(2),
  base_commit_window_seconds: z.number().int().min(60).max(86_400).default(900),
  emergency_window_seconds: z.number().int().min(300).max(86_400).default(14_400),
  auto_converge_categories: CategoriesSchema,
  require_ack_categories: CategoriesSchema,
  enforcement_mode: z.enum(["observe", "warn", "enforce"]).default("observe"),
  role_bindings: z.array(RoleBindingSchema).max(1000).default([]),
  regulated: z.boolean().default(false),
  two_person_approval: z.boolean().default(false),
  emergency_allowed: z.boolean().default(true),
  audit_retention_days: z.number().int().min(1).max(36_500).default(2555),
  federation_template: z.string().regex(/^[a-z0-9-]{1,64}$/).optional(),
  supervisor_backend: z.enum(["pact", "systemd"]).default("pact"),
  exec_whitelist: CommandNamesSchema,
  shell_whitelist: CommandNamesSchema,
  ai_exec_allowed: z.boolean().default(false),
  approval_timeout_seconds: z.number().int().min(60).max(86_400).default(1800),
  conflict_grace_seconds: z.number().int().min(0).max(86_400).default(0),
  identity_mode: z.enum(["on-demand", "pre-provisioned"]).default("on-demand"),
  min_identity: z.enum(["mac", "smbios", "tpm"]).default("mac"),
  extra_log_paths: z.array(z.string().regex(/^\/(?!.*\.\.)/)).max(100).default([]),
  whitelist_mode: z.enum(["strict", "learning", "bypass"]).default("strict"),
  require_opa: z.boolean().default(false),
  restartable_services: z.array(z.string().min(1).max(128)).max(1000).default([]),
  drift_weights: DriftWeightsSchema.default(() => DriftWeightsSchema.parse({})),
} as const;

/** The settings of a policy alone, as a site writes them; unknown keys are refused (VCP-4). */
export const PolicySettingsSchema = z.strictObject(settings).superRefine(refinePolicy);

/** A stored vCluster policy in document form. */
export const PolicySchema = z.object({
  vcluster_id: VClusterIdSchema,
  policy_id: z.string().max(256),
  version: CounterSchema,
  updated_at: InstantSchema,
  ...settings,
}).superRefine(refinePolicy);

/** Settings of a vCluster policy. */
export type PolicySettings = z.infer<typeof PolicySettingsSchema>;

/** A stored vCluster policy. */
export type Policy = z.infer<typeof PolicySchema>;

/** The policy of a vCluster nobody has written one for: all defaults, version 0. */
export function defaultPolicy(vclusterId: string): Policy {
  return PolicySchema.parse({
    vcluster_id: vclusterId,
    policy_id: "default",
    version: 0,
    updated_at: "1970-01-01T00:00:00.000Z",
  });
}

function refinePolicy(
  policy: {
    auto_converge_categories: readonly string[];
    require_ack_categories: readonly string[];
    regulated: boolean;
    whitelist_mode: string;
    audit_retention_days: number;
  },
  context: z.RefinementCtx,
): void {
  const both = policy.auto_converge_categories.find((category) =>
    policy.require_ack_categories.includes(category)
  );
  if (both !== undefined) {
    context.addIssue({
      code: "custom",
      path: ["require_ack_categories"],
      message: `${both} is also in auto_converge_categories`,
    });
  }
  if (policy.regulated && policy.whitelist_mode === "bypass") {
    context.addIssue({
      code: "custom",
      path: ["whitelist_mode"],
      message: "bypass is refused in a regulated vCluster",
    });
  }
  if (policy.regulated && policy.audit_retention_days < 2555) {
    context.addIssue({
      code: "custom",
      path: ["audit_retention_days"],
      message: "a regulated vCluster keeps audit records at least 2555 days",
    });
  }
}
