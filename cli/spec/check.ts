import type { z } from "zod";
import { nearestName } from "../../common/config/mod.ts";
import type { JsonValue } from "../../common/json/mod.ts";
import {
  DriftWeightsSchema,
  HealthCheckSchema,
  type PolicySettings,
  PolicySettingsSchema,
  RoleBindingSchema,
  type ServiceDeclaration,
  StrictServiceDeclarationSchema,
} from "../../common/model/mod.ts";
import type { Report } from "./problems.ts";
import {
  DeviceSpecSchema,
  FileSpecSchema,
  MountSpecSchema,
  NamedServiceSchema,
  REMOVABLE_SECTIONS,
  type RemovableSection,
  RemoveSchema,
  type VClusterSpec,
  VClusterSpecSchema,
} from "./schema.ts";

/** A vCluster's table after its checks. */
export interface CheckedVCluster {
  readonly spec: VClusterSpec;
  readonly services: readonly ServiceDeclaration[];
  readonly remove: Readonly<Partial<Record<RemovableSection, readonly string[]>>>;
  readonly policy: Partial<PolicySettings> | undefined;
}

type Table = Record<string, JsonValue | undefined>;

/** Checks one vCluster's table; undefined after problems were reported. */
export function checkVCluster(
  path: readonly string[],
  table: JsonValue,
  report: Report,
): CheckedVCluster | undefined {
  if (!isTable(table)) {
    report(path, `${path.join(".")} must be a table`);
    return undefined;
  }
  let sound = true;
  const complain: Report = (where, message) => {
    sound = false;
    report(where, message);
  };
  const rest: Table = { ...table };
  const remove = takeRemovals(path, rest, complain);
  const services = takeServiceArray(path, rest, complain);
  const parsed = VClusterSpecSchema.safeParse(rest);
  if (!parsed.success) reportIssues(parsed.error, path, complain);
  if (!parsed.success || !sound) return undefined;

  for (const [name, service] of Object.entries(parsed.data.services ?? {})) {
    const named = StrictServiceDeclarationSchema.safeParse({ ...service, name });
    if (named.success) services.push(named.data);
    else reportIssues(named.error, [...path, "services", name], complain);
  }
  const policy = policyOf(path, table, parsed.data, complain);
  return sound ? { spec: parsed.data, services, remove, policy } : undefined;
}

function takeRemovals(path: readonly string[], rest: Table, report: Report) {
  const remove: Partial<Record<RemovableSection, readonly string[]>> = {};
  for (const section of REMOVABLE_SECTIONS) {
    const table = rest[section];
    // Only a list removes: a key may well be called "remove".
    if (!isTable(table) || !Array.isArray(table["remove"])) continue;
    const { remove: names, ...others } = table;
    const parsed = RemoveSchema.safeParse(names);
    if (parsed.success) remove[section] = parsed.data;
    else report([...path, section, "remove"], "remove must be a list of names");
    rest[section] = others;
  }
  return remove;
}

/** Services written as `[[vcluster.X.services]]`, each with its name (CLI-70). */
function takeServiceArray(
  path: readonly string[],
  rest: Table,
  report: Report,
): ServiceDeclaration[] {
  const value = rest["services"];
  if (!Array.isArray(value)) return [];
  delete rest["services"];
  const services: ServiceDeclaration[] = [];
  for (const [index, element] of value.entries()) {
    const where = [...path, "services", String(index)];
    const parsed = StrictServiceDeclarationSchema.safeParse(element);
    if (!parsed.success) reportIssues(parsed.error, where, report);
    else if (services.some(({ name }) => name === parsed.data.name)) {
      report([...where, "name"], `service ${parsed.data.name} is declared twice`);
    } else services.push(parsed.data);
  }
  return services;
}

/** The policy settings the text names; defaults a schema fills in are not the admin's wish. */
function policyOf(
  path: readonly string[],
  table: Table,
  spec: VClusterSpec,
  report: Report,
): Partial<PolicySettings> | undefined {
  const raw = table["policy"];
  const named = isTable(raw) ? Object.keys(raw) : [];
  const policy = Object.fromEntries(
    Object.entries(spec.policy ?? {}).filter(([key]) => named.includes(key)),
  ) as Partial<PolicySettings>;
  const backend = spec.supervisor_backend;
  if (backend !== undefined) {
    if ((policy.supervisor_backend ?? backend) !== backend) {
      report(
        [...path, "policy", "supervisor_backend"],
        `supervisor_backend is ${backend} above and ${policy.supervisor_backend} here`,
      );
    }
    policy.supervisor_backend = backend;
  }
  return Object.keys(policy).length === 0 ? undefined : policy;
}

function reportIssues(error: z.ZodError, path: readonly string[], report: Report): void {
  for (const issue of error.issues) {
    const here = issue.path.map(String);
    if (issue.code === "unrecognized_keys") {
      for (const key of issue.keys) {
        const nearest = nearestName(key, knownKeys([...path.slice(2), ...here]));
        const hint = nearest === undefined ? "" : `, did you mean ${nearest}?`;
        report([...path, ...here, key], `unknown key ${key}${hint}`);
      }
    } else {
      const name = here.at(-1) ?? path.at(-1) ?? "";
      report([...path, ...here], `${name}: ${reasonOf(issue)}`);
    }
  }
}

function reasonOf(issue: z.core.$ZodIssue): string {
  const { message } = issue.code === "invalid_key" ? issue.issues[0] ?? issue : issue;
  const text = message.replace(/^Invalid input: /, "");
  if (issue.code === "invalid_union" && text === "Invalid input") return "wrong type of value";
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** Keys that are legal at a place inside a vCluster's table, for nearest names. */
function knownKeys(path: readonly string[]): string[] {
  const [section, , inner] = path;
  switch (section) {
    case undefined:
      return Object.keys(VClusterSpecSchema.shape);
    case "mounts":
      return Object.keys(MountSpecSchema.shape);
    case "files":
      return Object.keys(FileSpecSchema.shape);
    case "devices":
      return Object.keys(DeviceSpecSchema.shape);
    case "modules":
      return ["load", "remove"];
    case "services":
      return inner === "health_check"
        ? Object.keys(HealthCheckSchema.shape)
        : Object.keys(NamedServiceSchema.shape);
    case "policy":
      return Object.keys(
        path[1] === "drift_weights"
          ? DriftWeightsSchema.shape
          : path[1] === "role_bindings"
          ? RoleBindingSchema.shape
          : PolicySettingsSchema.shape,
      );
    default:
      return [];
  }
}

function isTable(value: JsonValue | undefined): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
