import type { JsonValue } from "../../common/json/mod.ts";
import {
  DEVICE_PREFIX,
  DeviceGlobSchema,
  type DeviceRule,
  DeviceRuleSchema,
  type FileValue,
  FileValueSchema,
  type MountValue,
  MountValueSchema,
  NetworkValueSchema,
  type OverlayDocument,
  type ServiceDeclaration,
  ServiceDeclarationSchema,
} from "../../common/model/mod.ts";
import { type Declared, declaredNow, type DocumentsView } from "../state/mod.ts";

/** An overlay without what only the build knows: version and origin. */
export type OverlayContent = Omit<OverlayDocument, "version" | "built_from_sequence">;

/**
 * The declared configuration of one vCluster: the fold of its Commits and Rollbacks, which the
 * state keeps up to date key by key, with policy and blacklist attached (OVL-3).
 */
export function overlayContent(view: DocumentsView, vclusterId: string): OverlayContent {
  const declared = [...declaredNow(view, { VCluster: vclusterId }).values()];
  const policy = view.get("policies", vclusterId);
  return {
    format: 1,
    vcluster: vclusterId,
    base_image: setting(declared, "base_image"),
    supervisor_backend: policy?.supervisor_backend ?? "pact",
    sysctl: texts(declared, "kernel"),
    modules: modules(declared),
    mounts: collect(declared, "mounts", mountValue),
    files: collect(declared, "files", fileValue),
    network: collect(declared, "network", networkValue),
    packages: texts(declared, "packages"),
    services: services(declared),
    gpu: texts(declared, "gpu"),
    policy,
    blacklist: [...view.get("blacklists", vclusterId)?.patterns ?? []],
    uenv: setting(declared, "uenv"),
    devices: devices(declared),
  };
}

function of(declared: readonly Declared[], category: Declared["category"]): Declared[] {
  return declared.filter((item) => item.category === category);
}

function setting(declared: readonly Declared[], key: string): string | undefined {
  const value = of(declared, "settings").find((item) => item.key === key)?.value;
  return typeof value === "string" ? value : undefined;
}

/** Names behind `module:`, in order. */
function modules(declared: readonly Declared[]): string[] {
  const prefix = "module:";
  return of(declared, "settings")
    .filter(({ key }) => key.startsWith(prefix))
    .map(({ key }) => key.slice(prefix.length))
    .sort();
}

/** Rules behind `device:`, by glob; one that cannot be read is left out, and none are no key. */
function devices(declared: readonly Declared[]): Record<string, DeviceRule> | undefined {
  const rules = of(declared, "settings").flatMap(({ key, value }) => {
    if (!key.startsWith(DEVICE_PREFIX) || typeof value !== "string") return [];
    const glob = DeviceGlobSchema.safeParse(key.slice(DEVICE_PREFIX.length));
    const rule = DeviceRuleSchema.safeParse(jsonOrNull(value));
    return glob.success && rule.success ? [[glob.data, rule.data] as const] : [];
  });
  return rules.length === 0 ? undefined : Object.fromEntries(rules);
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function texts(
  declared: readonly Declared[],
  category: Declared["category"],
): Record<string, string> {
  return collect(declared, category, (value) => typeof value === "string" ? value : "");
}

function collect<Value>(
  declared: readonly Declared[],
  category: Declared["category"],
  read: (value: JsonValue) => Value,
): Record<string, Value> {
  return Object.fromEntries(
    of(declared, category).map(({ key, value }) => [key, read(value ?? "")]),
  );
}

/** In the order they start: by `order`, then by name. */
function services(declared: readonly Declared[]): ServiceDeclaration[] {
  return of(declared, "services")
    .map(({ key, value }) => serviceValue(key, value ?? ""))
    .sort((a, b) => (a.order ?? 0) - (b.order ?? 0) || (a.name < b.name ? -1 : 1));
}

/** A service in full, or the older form: its wanted state as a word. */
function serviceValue(name: string, value: JsonValue): ServiceDeclaration {
  if (typeof value === "string") {
    return value === "stopped" ? { name, state: "stopped" } : { name, state: "running" };
  }
  return ServiceDeclarationSchema.parse({ ...asObject(value), name });
}

/** A mount in full, or the older text `TYPE:SOURCE (OPTIONS)` (API-22). */
function mountValue(value: JsonValue): MountValue {
  if (typeof value !== "string") return MountValueSchema.parse(value);
  const [, type = "", source = "", options = ""] = /^([^:]*):(.*?)(?: \((.*)\))?$/.exec(value) ??
    [];
  return { type, source, options, read_only: options.split(",").includes("ro") };
}

function fileValue(value: JsonValue): FileValue {
  return FileValueSchema.parse(asObject(value));
}

function networkValue(value: JsonValue): OverlayContent["network"][string] {
  return NetworkValueSchema.parse(value);
}

function asObject(value: JsonValue): object {
  return typeof value === "object" && value !== null ? value : {};
}
