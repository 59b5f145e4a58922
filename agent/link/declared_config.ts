import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { agentport } from "../../api/mod.ts";
import {
  type FileValue,
  memorySizeBytes,
  type OverlayDocument,
  type ServiceDeclaration,
} from "../../common/model/mod.ts";
import { policyToWire, present } from "../../common/wire/mod.ts";
import { interfaceSpec, InterfaceSpecError, textOfInterfaceSpec } from "../interfaces/mod.ts";
import { itemFault } from "../port/mod.ts";

/** Where a declaration stands in the log. */
export interface DeclarationPosition {
  readonly overlayVersion: number;
  /** Newest entry contained. */
  readonly sequence: number;
  /** The node's own live entries that are contained. */
  readonly nodeDeltas: readonly number[];
  /** Rules of the site decide beside the roles (POL-1). */
  readonly rulesApply?: boolean;
}

/**
 * The declared configuration as the core takes it: documents read, defaults filled in. What the core
 * would refuse is named as unsupported, so that one malformed item never holds up the others.
 */
export function declaredConfig(
  document: OverlayDocument,
  { overlayVersion, sequence, nodeDeltas, rulesApply = false }: DeclarationPosition,
): agentport.DeclaredConfig {
  const declared = create(agentport.DeclaredConfigSchema, {
    overlayVersion: BigInt(overlayVersion),
    sequence: BigInt(sequence),
    vclusterId: document.vcluster,
    sysctl: {
      ...document.sysctl,
      ...Object.fromEntries(document.modules.map((name) => [`module:${name}`, "loaded"])),
    },
    files: Object.entries(document.files).map(([path, value]) => fileOf(path, value)),
    services: document.services.map(serviceSpec),
    mounts: Object.entries(document.mounts).map(([path, mount]) => ({
      path,
      fsType: mount.type,
      source: mount.source,
      options: mount.options,
      readOnly: mount.read_only,
    })),
    ...present("policy", document.policy && policyToWire(document.policy)),
    blacklist: document.blacklist,
    unsupported: unsupportedItems(document),
    nodeDeltas: nodeDeltas.map(BigInt),
    rulesApply,
    devices: Object.entries(document.devices ?? {}).map(([glob, { mode, owner, group }]) => ({
      glob,
      ...present("mode", mode),
      owner: owner ?? "",
      group: group ?? "",
    })),
    network: Object.fromEntries(
      Object.entries(document.network).map(([name, value]) => [name, interfaceText(name, value)]),
    ),
  });
  return withoutFaults(declared);
}

function withoutFaults(declared: agentport.DeclaredConfig): agentport.DeclaredConfig {
  const refused: string[] = [];
  const isTaken = (name: string, fault: string | undefined) => {
    if (fault !== undefined) refused.push(name);
    return fault === undefined;
  };
  const { sysctl, files, services, mounts, network } = declared;
  declared.network = Object.fromEntries(
    Object.entries(network).filter(([key, value]) =>
      isTaken(`network:${key}`, itemFault({ category: "network", key, value }))
    ),
  );
  declared.sysctl = Object.fromEntries(
    Object.entries(sysctl).filter(([key, value]) =>
      isTaken(`kernel:${key}`, itemFault({ category: "kernel", key, value }))
    ),
  );
  declared.files = files.filter((value) =>
    isTaken(`files:${value.path}`, itemFault({ category: "files", value }))
  );
  declared.mounts = mounts.filter((value) =>
    isTaken(`mounts:${value.path}`, itemFault({ category: "mounts", value }))
  );
  declared.services = services.filter((value) =>
    isTaken(`services:${value.name}`, itemFault({ category: "services", value }))
  );
  declared.devices = declared.devices.filter((value) =>
    isTaken(`devices:${value.glob}`, itemFault({ category: "devices", value }))
  );
  declared.unsupported.push(...refused);
  return declared;
}

/** What is declared but no dimension of this version can apply; reported, never dropped. */
function unsupportedItems(document: OverlayDocument): string[] {
  return [
    ...Object.keys(document.packages).map((key) => `packages:${key}`),
    ...Object.keys(document.gpu).map((key) => `gpu:${key}`),
    ...(document.uenv === undefined ? [] : ["settings:uenv"]),
  ];
}

/** The specification in its one form; what is none goes on as it is, for the fault to be told. */
function interfaceText(name: string, value: unknown): string {
  try {
    return textOfInterfaceSpec(interfaceSpec(name, value));
  } catch (error) {
    if (!(error instanceof InterfaceSpecError)) throw error;
    return typeof value === "string" ? value : JSON.stringify(value);
  }
}

function fileOf(
  path: string,
  value: FileValue,
): MessageInitShape<typeof agentport.DeclaredFileSchema> {
  const content = value.content_b64;
  return {
    path,
    hasContent: content !== undefined,
    content: content === undefined ? new Uint8Array() : Uint8Array.fromBase64(content),
    contentHash: value.content_hash ?? "",
    mode: value.mode ?? 0,
    owner: value.owner ?? "",
  };
}

const RESTART = {
  Always: agentport.RestartPolicy.ALWAYS,
  OnFailure: agentport.RestartPolicy.ON_FAILURE,
  Never: agentport.RestartPolicy.NEVER,
} as const;

const HEALTH = {
  Process: agentport.HealthCheckType.PROCESS,
  Http: agentport.HealthCheckType.HTTP,
  Tcp: agentport.HealthCheckType.TCP,
} as const;

/** Seconds between restarts and checks where a declaration says nothing (agent.md 5.1, HLT-1). */
const DEFAULT_RESTART_DELAY_SECONDS = 5;
const DEFAULT_HEALTH_INTERVAL_SECONDS = 30;

type LimitValue = number | "unlimited";

/** One value is both limits. */
function resourceLimits(limits: ServiceDeclaration["rlimits"] = {}) {
  const value = (name: "soft" | "hard", limit: LimitValue) =>
    present(name, limit === "unlimited" ? undefined : BigInt(limit));
  return Object.fromEntries(
    Object.entries(limits).map(([name, limit]) => {
      const { soft, hard } = typeof limit === "object" ? limit : { soft: limit, hard: limit };
      return [name, { ...value("soft", soft), ...value("hard", hard) }];
    }),
  );
}

function serviceSpec(
  service: ServiceDeclaration,
): MessageInitShape<typeof agentport.ServiceSpecSchema> {
  const memoryMax = service.cgroup_memory_max === undefined
    ? undefined
    : memorySizeBytes(service.cgroup_memory_max);
  return {
    name: service.name,
    binary: service.binary ?? "",
    args: service.args ?? [],
    restart: RESTART[service.restart ?? "Always"],
    restartDelaySeconds: service.restart_delay_seconds ?? DEFAULT_RESTART_DELAY_SECONDS,
    dependsOn: service.depends_on ?? [],
    order: service.order ?? 0,
    user: service.user ?? "",
    cgroupSlice: service.cgroup_slice ?? "",
    ...present("memoryMaxBytes", memoryMax === undefined ? undefined : BigInt(memoryMax)),
    ...present("cpuWeight", service.cgroup_cpu_weight),
    ...present("pidsMax", service.pids_max === undefined ? undefined : BigInt(service.pids_max)),
    ...present("ioMax", service.io_max === undefined ? undefined : BigInt(service.io_max)),
    healthCheck: {
      type: HEALTH[service.health_check?.type ?? "Process"],
      url: service.health_check?.url ?? "",
      port: service.health_check?.port ?? 0,
      intervalSeconds: service.health_check?.interval_seconds ?? DEFAULT_HEALTH_INTERVAL_SECONDS,
      gate: service.health_check?.gate ?? false,
    },
    critical: service.critical ?? false,
    env: service.env ?? {},
    workingDirectory: service.working_directory ?? "",
    stopSignal: service.stop_signal ?? "",
    restartWith: service.restart_with ?? false,
    notify: service.notify ?? false,
    ...present("readyTimeoutSeconds", service.ready_timeout_seconds),
    ...present("watchdogSeconds", service.watchdog_seconds),
    rlimits: resourceLimits(service.rlimits),
    healthRestart: service.health_restart ?? false,
    ...present("stopTimeoutSeconds", service.stop_timeout_seconds),
    needsNetwork: service.needs_network ?? [],
    stopped: service.state === "stopped",
  };
}
