/**
 * Where things lie on a node (PATH-1 to PATH-19). Every path derives from one root prefix
 * (PATH-23), empty on a real node and a temporary directory in tests.
 */
import { ContractError } from "./error.ts";
import { checkAllocationId, checkUnitName } from "./identifiers.ts";
import type { NamespaceType } from "./namespace/mod.ts";

/** The well-known paths below one root prefix. */
export interface NodePaths {
  /** The prefix they all begin with; empty on a real node. */
  readonly root: string;
  /** PATH-1: runtime root, on tmpfs. */
  readonly run: string;
  /** PATH-2, PATH-20: the one socket of the namespace and mount protocol. */
  readonly handoffSocket: string;
  /** PATH-3: readiness query. */
  readonly readySocket: string;
  /** PATH-4: readiness marker. */
  readonly readyMarker: string;
  /** PATH-5, MT-1 UENV_MOUNT_BASE: shared uenv mounts. */
  readonly uenvMountBase: string;
  /** PATH-6, MT-1 WORKDIR_BASE: working directories of allocations. */
  readonly workdirBase: string;
  /** PATH-7, MT-1 DATA_STAGE_BASE: data staging mounts. */
  readonly dataStageBase: string;
  /** PATH-8: latest capability report. */
  readonly capabilityReport: string;
  /** PATH-9: capability query. */
  readonly capabilitySocket: string;
  /** PATH-10: users for NSS. */
  readonly passwdDb: string;
  /** PATH-10: groups for NSS. */
  readonly groupDb: string;
  /** PATH-11: parent of the namespace pins. */
  readonly namespacePins: string;
  /** PATH-12: crash-safe agent state. */
  readonly state: string;
  /** PATH-13: captured service output. */
  readonly logs: string;
  /** PATH-14: restricted command directories of shells. */
  readonly shells: string;
  /** PATH-15: SPIRE Workload API. */
  readonly spireSocket: string;
  /** PATH-16: root of the cgroup v2 hierarchy. */
  readonly cgroupRoot: string;
  /** PATH-17: hardware watchdog. */
  readonly watchdog: string;
  /** PATH-18: agent configuration. */
  readonly agentConfig: string;
  /** PATH-18: environment of the agent. */
  readonly agentEnvironment: string;
  /** PATH-18: trust anchor. */
  readonly trustAnchor: string;
  /** PATH-19: persistent state where a disk exists. */
  readonly persistent: string;
  /** How services ended while PID 1 was their parent, kept by `pact-init` (INI-10). */
  readonly reaped: string;
  /** The agent that PID 1 starts after an upgrade. */
  readonly upgradedAgent: string;
}

/**
 * All well-known paths below `root`.
 *
 * ```ts
 * import { nodePaths } from "./paths.ts";
 *
 * if (nodePaths().handoffSocket !== "/run/pact/handoff.sock") throw new Error();
 * if (nodePaths("/tmp/n1").readyMarker !== "/tmp/n1/run/pact/ready") throw new Error();
 * ```
 *
 * @throws {PathError} `UnsafePath` when `root` is neither empty nor a plain absolute path
 */
export function nodePaths(root = ""): NodePaths {
  const prefix = root === "/" ? "" : root.replace(/\/+$/, "");
  const plain = prefix.startsWith("/") && !prefix.includes("\0") &&
    prefix.slice(1).split("/").every((part) => part !== "" && part !== "." && part !== "..");
  if (root !== "" && root !== "/" && !plain) {
    throw new PathError({ kind: "UnsafePath", path: root });
  }
  const run = `${prefix}/run/pact`;
  return {
    root: prefix,
    run,
    handoffSocket: `${run}/handoff.sock`,
    readySocket: `${run}/ready.sock`,
    readyMarker: `${run}/ready`,
    uenvMountBase: `${run}/uenv`,
    workdirBase: `${run}/workdir`,
    dataStageBase: `${run}/data`,
    capabilityReport: `${run}/capability.json`,
    capabilitySocket: `${run}/capability.sock`,
    passwdDb: `${run}/passwd.db`,
    groupDb: `${run}/group.db`,
    namespacePins: `${run}/ns`,
    state: `${run}/state`,
    logs: `${run}/logs`,
    shells: `${run}/shell`,
    spireSocket: `${prefix}/run/spire/agent.sock`,
    cgroupRoot: `${prefix}/sys/fs/cgroup`,
    watchdog: `${prefix}/dev/watchdog`,
    agentConfig: `${prefix}/etc/pact/agent.toml`,
    agentEnvironment: `${prefix}/etc/pact/agent.env`,
    trustAnchor: `${prefix}/etc/pact/ca.crt`,
    persistent: `${prefix}/var/lib/pact`,
    reaped: `${run}/reaped`,
    upgradedAgent: `${run}/agent`,
  };
}

/** Where what pact consists of lies on a node. */
export const INSTALLED_PATHS = {
  /** PID 1: `init=` of the kernel's command line. */
  init: "/usr/lib/pact/pact-init",
  /** What PID 1 runs as the agent. */
  agent: "/usr/lib/pact/pact-agent",
  shim: "/usr/lib/pact/libpact_shim.so",
  /** DENO_DIR of the agent under `pact-init`: an image ships it warm. */
  runtimeCache: "/usr/lib/pact/deno",
} as const;

const PIN_NAMES: Readonly<Record<NamespaceType, string>> = { Pid: "pid", Net: "net", Mount: "mnt" };

/** PATH-11: the bind mount that keeps one namespace of an allocation alive. */
export function namespacePin(paths: NodePaths, allocationId: string, type: NamespaceType): string {
  return `${paths.namespacePins}/${checkAllocationId(allocationId)}/${PIN_NAMES[type]}`;
}

/** PATH-13: the captured output of one service. */
export function serviceLog(paths: NodePaths, service: string): string {
  return `${paths.logs}/${checkUnitName(service)}.log`;
}

/** PATH-14: the restricted command directory of one shell. */
export function shellDirectory(paths: NodePaths, shellId: string): string {
  return `${paths.shells}/${checkUnitName(shellId)}`;
}

/** A directory the agent makes, parents first, with the mode it must have. */
export interface DirectoryRule {
  readonly path: string;
  readonly mode: number;
}

/** PATH-21: the directories the agent creates when they are missing, in order of creation. */
export function agentDirectories(paths: NodePaths): readonly DirectoryRule[] {
  return [
    { path: paths.run, mode: 0o755 },
    { path: paths.uenvMountBase, mode: 0o755 },
    { path: paths.workdirBase, mode: 0o755 },
    { path: paths.dataStageBase, mode: 0o755 },
    { path: paths.namespacePins, mode: 0o700 },
    { path: paths.state, mode: 0o700 },
    { path: paths.logs, mode: 0o755 },
    { path: paths.shells, mode: 0o755 },
    { path: paths.persistent, mode: 0o700 },
  ];
}

/** Modes of the sockets and files the agent creates (PATH-2 to PATH-4, PATH-8 to PATH-13). */
export const FILE_MODES = {
  handoffSocket: 0o600,
  readySocket: 0o666,
  readyMarker: 0o644,
  capabilityReport: 0o644,
  capabilitySocket: 0o666,
  passwdDb: 0o644,
  groupDb: 0o644,
  serviceLog: 0o640,
} as const;

export type PathFault =
  | { readonly kind: "UnsafePath"; readonly path: string }
  | { readonly kind: "InUse"; readonly path: string };

/** PATH-21 and PATH-22: a path the agent refuses to use. */
export class PathError extends ContractError<PathFault> {
  constructor(fault: PathFault) {
    const message = fault.kind === "UnsafePath"
      ? `unsafe path: ${fault.path}`
      : `${fault.path} is in use`;
    super("PathError", message, fault);
  }
}
