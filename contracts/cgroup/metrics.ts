/** What a slice or scope uses (section 3.2): the type, its JSON form, the files it is read from. */
import type { JsonObject, JsonValue } from "../json.ts";
import { JsonReader } from "../json_reader.ts";

export interface CgroupMetrics {
  /** memory.current. */
  readonly memoryCurrentBytes: bigint;
  /** memory.max; `null` when the file says `max`. */
  readonly memoryMaxBytes: bigint | null;
  /** memory.peak, where the kernel has it. */
  readonly memoryPeakBytes: bigint | null;
  /** `usage_usec` of cpu.stat. */
  readonly cpuUsageUsec: bigint;
  /** Processes here and in all descendants. */
  readonly nrProcesses: number;
  /** `oom_kill` of memory.events. */
  readonly oomKills: bigint;
}

/** CG-10: all zero or absent. */
export const DEFAULT_METRICS: CgroupMetrics = {
  memoryCurrentBytes: 0n,
  memoryMaxBytes: null,
  memoryPeakBytes: null,
  cpuUsageUsec: 0n,
  nrProcesses: 0,
  oomKills: 0n,
};

/** A single-value control file; `null` for `max`, an absent file or anything that is no number. */
export function parseCounterFile(text: string | null): bigint | null {
  const trimmed = text?.trim() ?? "";
  return /^[0-9]{1,20}$/.test(trimmed) ? BigInt(trimmed) : null;
}

/** One value of a flat keyed file such as cpu.stat, memory.events or cgroup.events. */
export function parseFlatKeyed(text: string, key: string): bigint | null {
  for (const line of text.split("\n")) {
    if (line.startsWith(`${key} `)) return parseCounterFile(line.slice(key.length + 1));
  }
  return null;
}

/** The JSON form of metrics, with the names of the contract. */
export function cgroupMetricsToJson(metrics: CgroupMetrics): JsonObject {
  return {
    memory_current: metrics.memoryCurrentBytes,
    memory_max: metrics.memoryMaxBytes,
    cpu_usage_usec: metrics.cpuUsageUsec,
    nr_processes: metrics.nrProcesses,
    oom_kills: metrics.oomKills,
    memory_peak: metrics.memoryPeakBytes,
  };
}

/** @throws {JsonError} when a member has the wrong type */
export function cgroupMetricsFromJson(value: JsonValue): CgroupMetrics {
  const reader = new JsonReader(value, "metrics");
  return {
    memoryCurrentBytes: reader.counterOrNull("memory_current") ?? 0n,
    memoryMaxBytes: reader.counterOrNull("memory_max"),
    memoryPeakBytes: reader.counterOrNull("memory_peak"),
    cpuUsageUsec: reader.counterOrNull("cpu_usage_usec") ?? 0n,
    nrProcesses: reader.wholeOrNull("nr_processes", 2 ** 32 - 1) ?? 0,
    oomKills: reader.counterOrNull("oom_kills") ?? 0n,
  };
}
