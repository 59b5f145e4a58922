import type { ServiceDeclaration } from "../../../../agent/supervisor/declaration.ts";

/** A declaration with the defaults of agent.md 5.1. */
export function service(
  name: string,
  changes: Partial<ServiceDeclaration> = {},
): ServiceDeclaration {
  return {
    name,
    binary: `/usr/sbin/${name}`,
    args: [],
    restart: "Always",
    restartDelaySeconds: 5,
    dependsOn: [],
    restartWith: false,
    order: 0,
    user: "root",
    slice: "pact.slice/infra.slice",
    memoryMaxBytes: null,
    cpuWeight: null,
    pidsMax: null,
    ioMaxBytesPerSecond: null,
    healthCheck: { probe: { kind: "Process" }, intervalSeconds: 30, gate: false },
    critical: false,
    env: {},
    workingDirectory: "/",
    stopSignal: "SIGTERM",
    stopTimeoutSeconds: 10,
    needsNetwork: [],
    desired: "running",
    rlimits: {},
    readiness: null,
    watchdogSeconds: null,
    healthRestart: false,
    ...changes,
  };
}
