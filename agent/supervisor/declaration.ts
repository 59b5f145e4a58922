import type { Rlimit, RlimitName, SignalName } from "../../ffi/mod.ts";

/** When a service that ended by itself is started again. */
export type RestartPolicy = "Always" | "OnFailure" | "Never";

/** How a service is found to be healthy (agent.md 5.5). */
export type HealthProbe =
  | { readonly kind: "Process" }
  | { readonly kind: "Http"; readonly url: string }
  | { readonly kind: "Tcp"; readonly host: string; readonly port: number };

export interface HealthCheck {
  readonly probe: HealthProbe;
  readonly intervalSeconds: number;
  /** Dependents wait for the first success (HLT-4). */
  readonly gate: boolean;
}

/** A service as the supervisor knows it: every default filled in, every bound checked (5.1). */
export interface ServiceDeclaration {
  readonly name: string;
  /** Absolute path of the program. */
  readonly binary: string;
  readonly args: readonly string[];
  readonly restart: RestartPolicy;
  readonly restartDelaySeconds: number;
  readonly dependsOn: readonly string[];
  /** Restarted too when a dependency gets a new process for a changed declaration (SVC-7). */
  readonly restartWith: boolean;
  /** 0 to 65535, lower starts first. */
  readonly order: number;
  /** `name`, `uid` or `uid:gid`. */
  readonly user: string;
  /** Path of the slice below the cgroup root, aliases resolved (SVC-4). */
  readonly slice: string;
  readonly memoryMaxBytes: bigint | null;
  readonly cpuWeight: number | null;
  readonly pidsMax: number | null;
  readonly ioMaxBytesPerSecond: bigint | null;
  readonly healthCheck: HealthCheck;
  readonly critical: boolean;
  readonly env: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  readonly stopSignal: SignalName;
  readonly stopTimeoutSeconds: number;
  /** Interfaces that must be up before the start. */
  readonly needsNetwork: readonly string[];
  /** `stopped`: declared, but not started by itself. */
  readonly desired: "running" | "stopped";
  /** By the name of setrlimit(2); open files have a default of their own (SUP-20). */
  readonly rlimits: Readonly<Partial<Record<RlimitName, Rlimit>>>;
  /** It tells by sd_notify(3) when it is ready; null when it counts as ready once it runs. */
  readonly readiness: { readonly timeoutSeconds: number } | null;
  /** It has to notify WATCHDOG=1 this often; null when nobody waits for that. */
  readonly watchdogSeconds: number | null;
  /** In the systemd backend, where restarts are systemd's: restart it when unhealthy (SYD-6). */
  readonly healthRestart: boolean;
}
