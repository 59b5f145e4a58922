import type { agentport } from "../../api/mod.ts";
import { InterfaceSpecError, interfaceSpecOfText } from "../interfaces/mod.ts";
import { isAbsolutePath } from "./frame_error.ts";

/*
 * What the core takes as declared, item by item. The worker asks the same questions before it sends:
 * an item that cannot be expressed is reported by its name, the rest of the configuration goes on.
 */

/** Bounds per list and per text (journal.md section 16). */
const MAX_ITEMS = 100_000;
/** The journal's bound with the slack of its Base64 form (JRN-12). */
const MAX_FILE_BYTES = 256 * 1024 + 8;
const MAX_TEXT = 65_536;
const MAX_WORDS = 1024;

/** An item of a declaration, under its category as names of items show it. */
export type DeclaredItem =
  | {
    readonly category: "kernel" | "network";
    readonly key: string;
    readonly value: string;
  }
  | { readonly category: "files"; readonly value: agentport.DeclaredFile }
  | { readonly category: "mounts"; readonly value: agentport.DeclaredMount }
  | { readonly category: "services"; readonly value: agentport.ServiceSpec }
  | { readonly category: "devices"; readonly value: agentport.DeviceRule };

/** Why the core would refuse an item; undefined when it would not. */
export function itemFault(item: DeclaredItem): string | undefined {
  switch (item.category) {
    case "kernel":
      return sysctlFault(item.key, item.value);
    case "network":
      return interfaceFault(item.key, item.value);
    case "files":
      return fileFault(item.value);
    case "mounts":
      return mountFault(item.value);
    case "services":
      return serviceFault(item.value);
    case "devices":
      return deviceFault(item.value);
  }
}

/** The first rule that a whole declaration breaks. */
export function declaredFault(declared: agentport.DeclaredConfig): string | undefined {
  const lists = {
    sysctl: Object.keys(declared.sysctl),
    files: declared.files,
    services: declared.services,
    mounts: declared.mounts,
    blacklist: declared.blacklist,
    unsupported: declared.unsupported,
    nodeDeltas: declared.nodeDeltas,
    network: Object.keys(declared.network),
    devices: declared.devices,
  };
  for (const [name, list] of Object.entries(lists)) {
    if (list.length > MAX_ITEMS) return `${name}: ${list.length} exceeds ${MAX_ITEMS}`;
  }
  if (!/^(_domain|[A-Za-z0-9][A-Za-z0-9_-]{0,62})?$/.test(declared.vclusterId)) {
    return "malformed vCluster id";
  }
  for (const item of declaredItems(declared)) {
    const fault = itemFault(item);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function* declaredItems(declared: agentport.DeclaredConfig): Generator<DeclaredItem> {
  for (const [key, value] of Object.entries(declared.sysctl)) {
    yield { category: "kernel", key, value };
  }
  for (const [key, value] of Object.entries(declared.network)) {
    yield { category: "network", key, value };
  }
  for (const value of declared.files) yield { category: "files", value };
  for (const value of declared.mounts) yield { category: "mounts", value };
  for (const value of declared.services) yield { category: "services", value };
  for (const value of declared.devices) yield { category: "devices", value };
}

function sysctlFault(key: string, value: string): string | undefined {
  const isName = /^[a-zA-Z0-9_.:\-/]{1,255}$/.test(key) && !/(^|[./])\.\.?([./]|$)/.test(key);
  if (!isName) return `malformed sysctl key '${key.slice(0, 255)}'`;
  return tooLong(`sysctl ${key}`, value.length, MAX_TEXT);
}

function interfaceFault(name: string, text: string): string | undefined {
  if (text.length > MAX_TEXT) return tooLong(`interface ${name}`, text.length, MAX_TEXT);
  try {
    interfaceSpecOfText(name, text);
    return undefined;
  } catch (error) {
    if (error instanceof InterfaceSpecError) return error.message;
    throw error;
  }
}

function fileFault({ path, content, mode, contentHash, owner }: agentport.DeclaredFile) {
  if (!isAbsolutePath(path)) return `file path '${path.slice(0, 255)}' is not absolute`;
  return tooLong(`content of ${path}`, content.length, MAX_FILE_BYTES) ??
    tooLong(`mode of ${path}`, mode, 0o7777) ??
    tooLong(`hash of ${path}`, contentHash.length, 256) ??
    tooLong(`owner of ${path}`, owner.length, 256);
}

function mountFault({ path, fsType, source, options }: agentport.DeclaredMount) {
  if (!isAbsolutePath(path)) return `mount path '${path.slice(0, 255)}' is not absolute`;
  const longest = Math.max(fsType.length, source.length, options.length);
  return tooLong(`a text of mount ${path}`, longest, MAX_TEXT);
}

function serviceFault(service: agentport.ServiceSpec): string | undefined {
  const { name } = service;
  if (!/^[A-Za-z0-9][A-Za-z0-9_.@:-]{0,127}$/.test(name) || name.includes("..")) {
    return `malformed service name '${name.slice(0, 255)}'`;
  }
  if (service.binary !== "" && !isAbsolutePath(service.binary)) {
    return `program of ${name} is not absolute`;
  }
  if (service.workingDirectory !== "" && !isAbsolutePath(service.workingDirectory)) {
    return `working directory of ${name} is not absolute`;
  }
  const env = Object.entries(service.env);
  const texts = [...service.args, ...env.flat(), service.user, service.cgroupSlice];
  if (texts.some((text) => text.includes("\0"))) return `NUL in the declaration of ${name}`;
  return tooLong(`arguments of ${name}`, service.args.length, MAX_WORDS) ??
    tooLong(`environment of ${name}`, env.length, MAX_WORDS) ??
    tooLong(`dependencies of ${name}`, service.dependsOn.length, MAX_WORDS) ??
    tooLong(`interfaces of ${name}`, service.needsNetwork.length, MAX_WORDS) ??
    tooLong(`a text of ${name}`, Math.max(0, ...texts.map((text) => text.length)), MAX_TEXT);
}

function deviceFault({ glob, mode, owner, group }: agentport.DeviceRule): string | undefined {
  if (!/^[^/\0][^\0]{0,127}$/.test(glob) || glob.includes("..")) {
    return `malformed device glob '${glob.slice(0, 128)}'`;
  }
  return tooLong(`mode of device ${glob}`, mode ?? 0, 0o777) ??
    tooLong(`owner of device ${glob}`, Math.max(owner.length, group.length), 256);
}

function tooLong(what: string, value: number, limit: number): string | undefined {
  return value > limit ? `${what}: ${value} exceeds ${limit}` : undefined;
}
