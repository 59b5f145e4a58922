import { agentport } from "../../api/mod.ts";
import {
  isPactSlice,
  isUnitName,
  MAX_CPU_WEIGHT,
  MIN_MEMORY_BYTES,
  PACT_INFRA,
} from "../../contracts/mod.ts";
import type { HealthCheck, RestartPolicy, ServiceDeclaration } from "./declaration.ts";
import { SupervisorError } from "./errors.ts";
import { isSignalName } from "../../ffi/mod.ts";

const MAX_LIST = 1024;
const MAX_TEXT_BYTES = 128 * 1024;
const MAX_OPEN_FILES = 65_536;
const U32_MAX = 2n ** 32n - 1n;

/**
 * A declaration as it crossed the port, checked once and with defaults where a field is unset
 * (agent.md 5.1). An unset user is the agent's own: root, or in the rootless profile whoever
 * started it.
 *
 * @throws {SupervisorError} INVALID_DECLARATION, naming the field
 */
export function readServiceSpec(spec: agentport.ServiceSpec): ServiceDeclaration {
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
    stopTimeoutSeconds: check.range("stop_timeout_seconds", spec.stopTimeoutSeconds ?? 10, 0, 3600),
    needsNetwork: check.interfaces(spec.needsNetwork),
    desired: spec.stopped ? "stopped" : "running",
    openFilesMax: MAX_OPEN_FILES,
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
    const slice = value === "" ? PACT_INFRA : value;
    return isPactSlice(slice) ? slice : this.#refuse(`unknown slice: ${JSON.stringify(value)}`);
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
