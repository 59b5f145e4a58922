import * as z from "zod";
import { FileValueSchema, MountValueSchema, NetworkValueSchema } from "./delta.ts";
import { DeviceGlobSchema, DeviceRuleSchema } from "./device_rule.ts";
import { CounterSchema, VClusterIdSchema } from "./identifiers.ts";
import { PolicySchema } from "./policy.ts";
import { ServiceDeclarationSchema } from "./service_declaration.ts";

/** Largest overlay document, in bytes (journal.md section 16). */
export const MAX_OVERLAY_BYTES = 10 * 1024 * 1024;

/** The complete declared configuration of one vCluster (OVL-1, OVL-2). */
export const OverlayDocumentSchema = z.object({
  format: z.literal(1),
  vcluster: VClusterIdSchema,
  version: CounterSchema,
  built_from_sequence: CounterSchema,
  base_image: z.string().optional(),
  supervisor_backend: z.enum(["pact", "systemd"]).default("pact"),
  sysctl: z.record(z.string(), z.string()).default({}),
  modules: z.array(z.string()).default([]),
  mounts: z.record(z.string(), MountValueSchema).default({}),
  files: z.record(z.string(), FileValueSchema).default({}),
  network: z.record(z.string(), NetworkValueSchema).default({}),
  packages: z.record(z.string(), z.string()).default({}),
  services: z.array(ServiceDeclarationSchema).default([]),
  gpu: z.record(z.string(), z.string()).default({}),
  policy: PolicySchema.optional(),
  blacklist: z.array(z.string()).default([]),
  uenv: z.string().optional(),
  devices: z.record(DeviceGlobSchema, DeviceRuleSchema).optional(),
});

/** The declared configuration of one vCluster. */
export type OverlayDocument = z.infer<typeof OverlayDocumentSchema>;
