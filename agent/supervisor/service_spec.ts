import { agentport } from "../../api/mod.ts";
import {
  isPactSlice,
  isUnitName,
  MAX_CPU_WEIGHT,
  MIN_MEMORY_BYTES,
  PACT_AUDIT,
  PACT_GPU,
  PACT_INFRA,
  PACT_NETWORK,
  PACT_ROOT,
  WORKLOAD_ROOT,
} from "../../contracts/mod.ts";
import type { HealthCheck, RestartPolicy, ServiceDeclaration } from "./declaration.ts";
import { SupervisorError } from "./errors.ts";
import { isRlimitName, isSignalName, type Rlimit, type RlimitName } from "../../ffi/mod.ts";

const MAX_LIST = 1024;
const MAX_TEXT_BYTES = 128 * 1024;
const U32_MAX = 2n ** 32n - 1n;
const DEFAULT_STOP_TIMEOUT_SECONDS = 10;

/**
 * A declaration as it crossed the port, checked once and with defaults where a field is unset
 * (agent.md 5.1). An unset user is the agent's own: root, or in the rootless profile whoever
 * started it.
 *
 * @param stopTimeoutSeconds where the declaration names none
 * @throws {SupervisorError} INVALID_DECLARATION, naming the field
 */
export function readServiceSpec(
  spec: agentport.ServiceSpec,
  stopTimeoutSeconds = DEFAULT_STOP_TIMEOUT_SECONDS,
): ServiceDeclaration {
  if (!isUnitName(spec.name)) {
    throw new SupervisorError({
      code: "INVALID_DECLARATION",
      service: JSON.stringify(spec.name.slice(0, 160)),
      reason: "name must match [A-Za-z0-9][A-Za-z0-9_.@:-]{0,127} without '..'",
    });
  }
  const check = new FieldCheck(spec.name);
  const dependsOn = check.names("depends_on", spec.dependsOn);
  return {
    name: spec.name,
    binary: check.path("binary", spec.binary),
    args: check.texts("args", spec.args),
    restart: restartPolicy(spec.restart),
    restartDelaySeconds: check.range("restart_delay_seconds", spec.restartDelaySeconds, 0, 3600),
    dependsOn,
    restartWith: spec.restartWith,
    order: check.range("order", spec.order, 0, 65_535),
    user: check.user(spec.user),
    slice: check.slice(spec.cgroupSlice),
    memoryMaxBytes: check.limit("cgroup_memory_max", spec.memoryMaxBytes, MIN_MEMORY_BYTES),
    cpuWeight: spec.cpuWeight === undefined
      ? null
      : check.range("cgroup_cpu_weight", spec.cpuWeight, 1, MAX_CPU_WEIGHT),
    pidsMax: nullOrNumber(check.limit("pids_max", spec.pidsMax, 1n, U32_MAX)),
    ioMaxBytesPerSecond: check.limit("io_max", spec.ioMax, 1n),
    healthCheck: check.health(spec.healthCheck),
    critical: spec.critical,
    env: check.environment(spec.env),
    workingDirectory: check.path("working_directory", spec.workingDirectory || "/"),
    stopSignal: check.signal(spec.stopSignal || "SIGTERM"),
    stopTimeoutSeconds: check.range(
      "stop_timeout_seconds",
      spec.stopTimeoutSeconds ?? stopTimeoutSeconds,
      0,
      3600,
    ),
    needsNetwork: check.interfaces(spec.needsNetwork),
    desired: spec.stopped ? "stopped" : "running",
    rlimits: check.rlimits(spec.rlimits),
    readiness: spec.notify
      ? {
        timeoutSeconds: check.range(
          "ready_timeout_seconds",
          spec.readyTimeoutSeconds ?? 30,
          1,
          3600,
        ),
      }
      : null,
    watchdogSeconds: spec.watchdogSeconds === undefined
      ? null
      : check.range("watchdog_seconds", spec.watchdogSeconds, 1, 3600),
    healthRestart: spec.healthRestart,
  };
}

/** Whether a URL may be probed: http anywhere, https only on the loopback interface (HLT-1). */
export function isProbeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  if (username !== "" || password !== "") return false;
  const loopback = hostname === "localhost" || hostname === "[::1]" ||
    /^127(?:\.[0-9]{1,3}){3}$/.test(hostname);
  return protocol === "http:" || (protocol === "https:" && loopback);
}

/**
 * Names of slices that are understood (SVC-4). The workload manager is a service of pact's: in
 * workload.slice, which is not pact's, it would make the node look active for ever.
 */
const SLICE_ALIASES: Readonly<Record<string, string>> = {
  "": PACT_INFRA,
  ...Object.fromEntries(
    [PACT_INFRA, PACT_NETWORK, PACT_GPU, PACT_AUDIT].flatMap((slice) => {
      const short = slice.slice(0, -".slice".length);
      const bare = short.slice(`${PACT_ROOT}/`.length);
      return [[short, slice], [bare, slice], [`${bare}.slice`, slice]];
    }),
  ),
  workload: PACT_INFRA,
  [WORKLOAD_ROOT]: PACT_INFRA,
};

/** The slice that a declared text means; what means none is returned as it is. */
export function resolveSlice(text: string): string {
  return Object.hasOwn(SLICE_ALIASES, text) ? SLICE_ALIASES[text] ?? text : text;
}

/** Whether a declared slice is the workload's, where services are not put (SVC-4). */
export function isWorkloadSlice(text: string): boolean {
  return text === "workload" || text === WORKLOAD_ROOT;
}

function restartPolicy(policy: agentport.RestartPolicy): RestartPolicy {
  switch (policy) {
    case agentport.RestartPolicy.ON_FAILURE:
      return "OnFailure";
    case agentport.RestartPolicy.NEVER:
      return "Never";
    default:
      return "Always";
  }
}

function nullOrNumber(value: bigint | null): number | null {
  return value === null ? null : Number(value);
}

/** Checks of single fields; every failure names the service and the field. */
class FieldCheck {
  readonly #service: string;

  constructor(service: string) {
    this.#service = service;
  }

  path(field: string, value: string): string {
    const clean = value.startsWith("/") && value.length <= 4096 && !value.includes("\0") &&
      !value.split("/").includes("..");
    return clean ? value : this.#refuse(`${field} must be an absolute path without '..'`);
  }

  range(field: string, value: number, least: number, most: number): number {
    return value >= least && value <= most
      ? value
      : this.#refuse(`${field} must be ${least} to ${most}, not ${value}`);
  }

  limit(
    field: string,
    value: bigint | undefined,
    least: bigint,
    most: bigint = 2n ** 64n - 1n,
  ): bigint | null {
    if (value === undefined) return null;
    return value >= least && value <= most
      ? value
      : this.#refuse(`${field} must be at least ${least}, not ${value}`);
  }

  texts(field: string, values: readonly string[]): readonly string[] {
    const bytes = values.reduce((sum, value) => sum + value.length + 1, 0);
    if (values.length > MAX_LIST || bytes > MAX_TEXT_BYTES) {
      this.#refuse(`${field} has more than ${MAX_LIST} items or ${MAX_TEXT_BYTES} bytes`);
    }
    if (values.some((value) => value.includes("\0"))) this.#refuse(`${field} contains a NUL byte`);
    return values;
  }

  names(field: string, values: readonly string[]): readonly string[] {
    const odd = values.find((value) => !isUnitName(value));
    if (odd !== undefined) this.#refuse(`${field} names no service: ${JSON.stringify(odd)}`);
    return [...new Set(values)];
  }

  interfaces(values: readonly string[]): readonly string[] {
    const odd = values.find((value) => !/^[A-Za-z0-9_.:-]{1,15}$/.test(value));
    if (odd !== undefined) this.#refuse(`needs_network names no interface: ${JSON.stringify(odd)}`);
    return values;
  }

  user(value: string): string {
    return value === "" || /^(?:[a-z_][a-z0-9_-]{0,31}|[0-9]{1,10}(?::[0-9]{1,10})?)$/.test(value)
      ? value
      : this.#refuse(`user must be a name, UID or UID:GID, not ${JSON.stringify(value)}`);
  }

  slice(value: string): string {
    const slice = resolveSlice(value);
    return isPactSlice(slice) ? slice : this.#refuse(`unknown slice: ${JSON.stringify(value)}`);
  }

  rlimits(limits: agentport.ServiceSpec["rlimits"]): ServiceDeclaration["rlimits"] {
    const read = (name: string, value: bigint | undefined) => {
      if (value === undefined) return "unlimited" as const;
      if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
      return this.#refuse(`rlimits.${name} must be at most ${Number.MAX_SAFE_INTEGER}`);
    };
    const checked: Partial<Record<RlimitName, Rlimit>> = {};
    for (const [name, { soft, hard }] of Object.entries(limits)) {
      if (!isRlimitName(name)) {
        return this.#refuse(`rlimits names no limit: ${JSON.stringify(name.slice(0, 32))}`);
      }
      if (hard !== undefined && (soft === undefined || soft > hard)) {
        this.#refuse(`rlimits.${name} has a soft limit above its hard one`);
      }
      checked[name] = { soft: read(name, soft), hard: read(name, hard) };
    }
    return checked;
  }

  signal(value: string) {
    return isSignalName(value)
      ? value
      : this.#refuse(`stop_signal is no signal: ${JSON.stringify(value)}`);
  }

  environment(env: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
    const odd = Object.keys(env).find((name) => !/^[A-Za-z_][A-Za-z0-9_]{0,254}$/.test(name));
    if (odd !== undefined) this.#refuse(`env has no valid variable name: ${JSON.stringify(odd)}`);
    this.texts("env", Object.entries(env).flat());
    return { ...env };
  }

  health(check: agentport.HealthCheck | undefined): HealthCheck {
    const intervalSeconds = this.range(
      "health_check.interval_seconds",
      check?.intervalSeconds || 30,
      1,
      3600,
    );
    const gate = check?.gate ?? false;
    switch (check?.type) {
      case agentport.HealthCheckType.HTTP:
        if (!isProbeUrl(check.url)) {
          this.#refuse("health_check.url must be an http URL, or https on the loopback interface");
        }
        return { probe: { kind: "Http", url: check.url }, intervalSeconds, gate };
      case agentport.HealthCheckType.TCP: {
        const port = this.range("health_check.port", check.port, 1, 65_535);
        return { probe: { kind: "Tcp", host: "127.0.0.1", port }, intervalSeconds, gate };
      }
      default:
        return { probe: { kind: "Process" }, intervalSeconds, gate };
    }
  }

  #refuse(reason: string): never {
    throw new SupervisorError({ code: "INVALID_DECLARATION", service: this.#service, reason });
  }
}
