import { z } from "zod";
import {
  DeviceGlobSchema,
  DeviceRuleSchema,
  MAX_FILE_CONTENT_BYTES,
  NetworkValueSchema,
  PolicySettingsSchema,
  StrictServiceDeclarationSchema,
} from "../../common/model/mod.ts";

/** Names a section takes away again (CLI-70). */
const RemoveSchema = z.array(z.string().min(1).max(4096)).max(10_000);

/** A map section: values by key, beside an optional `remove` list. */
function sectionSchema<Value extends z.ZodType>(value: Value) {
  return z.record(z.string().min(1).max(4096), value).optional();
}

/** Octal file mode as TOML people write it: `"0644"`. */
const ModeSchema = z.string().regex(/^0?[0-7]{3,4}$/, {
  message: 'must be an octal mode such as "0644"',
}).transform((text) => Number.parseInt(text, 8));

/** A kernel setting: text; an integer is taken as its text (CLI-72). */
export const SysctlValueSchema = z.union([
  z.string().max(4096),
  z.number().int().transform(String),
], { error: "must be a string or an integer" });

/** A mount as a spec declares it. */
export const MountSpecSchema = z.strictObject({
  type: z.string().min(1).max(64),
  source: z.string().min(1).max(4096),
  options: z.string().max(4096).default(""),
  read_only: z.boolean().default(false),
});

/** A managed file as a spec declares it; exactly one of the three content keys. */
export const FileSpecSchema = z.strictObject({
  content: z.string().max(MAX_FILE_CONTENT_BYTES).optional(),
  content_file: z.string().min(1).max(4096).optional(),
  content_hash: z.string().regex(/^[0-9a-f]{64}$/, {
    message: "must be a SHA-256 in lower-case hex",
  })
    .optional(),
  mode: ModeSchema.optional(),
  owner: z.string().regex(/^[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+)?$/, {
    message: 'must be "user" or "user:group"',
  }).optional(),
}).superRefine((file, context) => {
  const given = [file.content, file.content_file, file.content_hash]
    .filter((value) => value !== undefined);
  if (given.length === 1) return;
  context.addIssue({
    code: "custom",
    message: "needs exactly one of content, content_file and content_hash",
  });
});

/** Access to device nodes as a spec declares it (CLD-3). */
export const DeviceSpecSchema = z.strictObject({
  ...DeviceRuleSchema.shape,
  mode: ModeSchema.pipe(z.number().max(0o777, { error: "must be at most 0777" })).optional(),
}).superRefine((rule, context) => {
  if (Object.values(rule).some((value) => value !== undefined)) return;
  context.addIssue({ code: "custom", message: "needs mode, owner or group" });
});

/** A service of the table form, where its name is the key (CLI-70). */
export const NamedServiceSchema = z.strictObject(StrictServiceDeclarationSchema.shape).omit({
  name: true,
});

/** Everything one vCluster's table may hold (cli.md 6.1). */
export const VClusterSpecSchema = z.strictObject({
  base_image: z.string().min(1).max(4096).optional(),
  uenv: z.string().min(1).max(4096).optional(),
  supervisor_backend: z.enum(["pact", "systemd"]).optional(),
  sysctl: sectionSchema(SysctlValueSchema),
  modules: z.strictObject({
    load: z.array(z.string().regex(/^[A-Za-z0-9_-]{1,64}$/)).max(1000).optional(),
  }).optional(),
  mounts: sectionSchema(MountSpecSchema),
  files: sectionSchema(FileSpecSchema),
  network: sectionSchema(NetworkValueSchema),
  packages: sectionSchema(z.string().min(1).max(256)),
  devices: z.record(DeviceGlobSchema, DeviceSpecSchema).optional(),
  services: z.record(z.string(), NamedServiceSchema).optional(),
  policy: z.strictObject(PolicySettingsSchema.shape).partial().optional(),
});

/** One vCluster's table, checked. */
export type VClusterSpec = z.output<typeof VClusterSpecSchema>;

/** Sections that may carry a `remove` list. */
export const REMOVABLE_SECTIONS = [
  "sysctl",
  "modules",
  "mounts",
  "files",
  "network",
  "packages",
  "services",
  "devices",
] as const;

/** A section that may carry a `remove` list. */
export type RemovableSection = (typeof REMOVABLE_SECTIONS)[number];

export { RemoveSchema };
