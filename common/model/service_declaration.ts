import * as z from "zod";

/** Longest chain of names, arguments and variables one service may declare. */
const MAX_ARGS = 1024;

/** Restart policy of a service; lower-case spellings are accepted on input (agent.md 5.1). */
export const RestartPolicySchema = z.string().transform((text, context) => {
  const policies: Record<string, "Always" | "OnFailure" | "Never"> = {
    always: "Always",
    onfailure: "OnFailure",
    never: "Never",
  };
  const policy = policies[text.toLowerCase().replaceAll(/[-_]/g, "")];
  if (policy !== undefined) return policy;
  context.addIssue({
    code: "custom",
    message: `unknown restart policy '${text}': use always, on-failure or never`,
  });
  return z.NEVER;
});

/** How a running service is judged healthy (agent.md 5.5). */
export const HealthCheckSchema = z.object({
  type: z.string().transform((text, context) => {
    const types: Record<string, "Process" | "Http" | "Tcp"> = {
      process: "Process",
      http: "Http",
      tcp: "Tcp",
    };
    const type = types[text.toLowerCase()];
    if (type !== undefined) return type;
    context.addIssue({
      code: "custom",
      message: `unknown health check '${text}': use process, http or tcp`,
    });
    return z.NEVER;
  }),
  url: z.string().max(2048).optional(),
  port: z.number().int().min(1).max(65535).optional(),
  interval_seconds: z.number().int().min(1).max(3600).optional(),
  gate: z.boolean().optional(),
}).superRefine((check, context) => {
  if (check.type === "Http" && (check.url === undefined || !URL.canParse(check.url))) {
    context.addIssue({ code: "custom", path: ["url"], message: "http check needs a valid url" });
  }
  if (check.type === "Tcp" && check.port === undefined) {
    context.addIssue({ code: "custom", path: ["port"], message: "tcp check needs a port" });
  }
});

/** A size in bytes: a number with an optional binary suffix K, M, G or T, or `max`. */
const MemorySizeSchema = z.string().regex(/^([0-9]+[KMGT]?|max)$/, {
  message: "size must be bytes, or a number with K, M, G or T, or max",
});

/** Names of setrlimit(2), lower case and without RLIMIT_. */
const RLIMIT_NAMES = [
  "as",
  "core",
  "cpu",
  "data",
  "fsize",
  "memlock",
  "msgqueue",
  "nice",
  "nofile",
  "nproc",
  "rtprio",
  "stack",
] as const;

const RlimitValueSchema = z.union([z.number().int().min(0), z.literal("unlimited")]);

/** Both limits at once, or soft and hard apart. */
const RlimitSchema = z.union([
  RlimitValueSchema,
  z.strictObject({ soft: RlimitValueSchema, hard: RlimitValueSchema }),
]);

const ServiceNameSchema = z.string().regex(/^[A-Za-z0-9](?!.*\.\.)[A-Za-z0-9_.@:-]{0,127}$/, {
  message: "service name must match [A-Za-z0-9][A-Za-z0-9_.@:-]{0,127} without '..'",
});

const fields = {
  binary: z.string().regex(/^\//, { message: "binary must be an absolute path" }).max(4096),
  args: z.array(z.string().max(32_768)).max(MAX_ARGS),
  restart: RestartPolicySchema,
  restart_delay_seconds: z.number().int().min(0).max(3600),
  depends_on: z.array(ServiceNameSchema).max(256),
  order: z.number().int().min(0).max(65_535),
  user: z.string().min(1).max(256),
  cgroup_slice: z.string().max(256),
  cgroup_memory_max: MemorySizeSchema,
  cgroup_cpu_weight: z.number().int().min(1).max(10_000),
  health_check: HealthCheckSchema,
  critical: z.boolean(),
  env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string().max(32_768)),
  working_directory: z.string().regex(/^\//).max(4096),
  stop_signal: z.string().regex(/^SIG[A-Z0-9]+$/),
  stop_timeout_seconds: z.number().int().min(0).max(3600),
  pids_max: z.number().int().min(1),
  io_max: z.number().int().min(1),
  needs_network: z.array(z.string().max(64)).max(64),
  restart_with: z.boolean(),
  notify: z.boolean(),
  ready_timeout_seconds: z.number().int().min(1).max(3600),
  watchdog_seconds: z.number().int().min(1).max(3600),
  rlimits: z.partialRecord(z.enum(RLIMIT_NAMES), RlimitSchema),
  health_restart: z.boolean(),
  state: z.enum(["running", "stopped"]),
} as const;

/**
 * A declared service (agent.md 5.1, OVL-2). Only `name` is required: `{ state = "running" }` is a
 * legal declaration (CLI-70), and whether a node can start it is the node's to report.
 */
export const ServiceDeclarationSchema = z.object({
  name: ServiceNameSchema,
  ...z.object(fields).partial().shape,
});

/** Like {@link ServiceDeclarationSchema} but refuses keys it does not know (CLI-71). */
export const StrictServiceDeclarationSchema = z.strictObject(ServiceDeclarationSchema.shape);

/** One declared service. */
export type ServiceDeclaration = z.infer<typeof ServiceDeclarationSchema>;

/** Bytes of a size text such as `128M`; undefined for `max`. */
export function memorySizeBytes(text: string): number | undefined {
  if (text === "max") return undefined;
  const suffixes = "KMGT";
  const suffix = suffixes.indexOf(text.slice(-1));
  return suffix < 0 ? Number(text) : Number(text.slice(0, -1)) * 1024 ** (suffix + 1);
}
