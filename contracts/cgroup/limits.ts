/** Resource limits of a scope: their type, ranges, JSON form and the files they become. */
import type { JsonObject, JsonValue } from "../json.ts";
import { U64_MAX } from "../json.ts";
import { JsonReader } from "../json_reader.ts";
import { CgroupError } from "./error.ts";

/** Limits of one scope; `null` leaves the kernel's default (section 3.2). */
export interface ResourceLimits {
  /** memory.max; `null` is `max`. */
  readonly memoryMaxBytes: bigint | null;
  /** memory.high, the throttling threshold. */
  readonly memoryHighBytes: bigint | null;
  /** cpu.weight, 1 to 10000; `null` is 100. */
  readonly cpuWeight: number | null;
  /** Read and write limit on each whole block device. */
  readonly ioMaxBytesPerSecond: bigint | null;
  /** pids.max. */
  readonly pidsMax: number | null;
  /** memory.oom.group: an out-of-memory kill takes the whole scope. */
  readonly oomGroup: boolean;
}

/** CG-10: no limits; an out-of-memory kill takes the whole scope. */
export const DEFAULT_LIMITS: ResourceLimits = {
  memoryMaxBytes: null,
  memoryHighBytes: null,
  cpuWeight: null,
  ioMaxBytesPerSecond: null,
  pidsMax: null,
  oomGroup: true,
};

/** The smallest memory limit a scope may have. */
export const MIN_MEMORY_BYTES = 2n ** 20n;
export const MAX_CPU_WEIGHT = 10_000;
const U32_MAX = 2 ** 32 - 1;

/**
 * Refuses limits out of range, before anything is created (CG-12).
 *
 * The kernel refuses an `io_max` of 0 and a `memory_high` below the least `memory_max` would
 * stop the scope at once, so both are refused here as well.
 *
 * ```ts
 * import { assertLimits, DEFAULT_LIMITS } from "./limits.ts";
 *
 * assertLimits({ ...DEFAULT_LIMITS, memoryMaxBytes: 512n * 1024n * 1024n });
 * try {
 *   assertLimits({ ...DEFAULT_LIMITS, cpuWeight: 0 });
 *   throw new Error("not refused");
 * } catch (error) {
 *   const wanted = "cgroup creation failed: invalid limit cpu_weight=0";
 *   if (!(error instanceof Error) || error.message !== wanted) throw error;
 * }
 * ```
 *
 * @throws {CgroupError} `CreationFailed` with reason `invalid limit FIELD=VALUE`
 */
export function assertLimits(limits: ResourceLimits): void {
  assertCounter("memory_max", limits.memoryMaxBytes, MIN_MEMORY_BYTES);
  assertCounter("memory_high", limits.memoryHighBytes, MIN_MEMORY_BYTES);
  assertCounter("io_max", limits.ioMaxBytesPerSecond, 1n);
  assertWhole("cpu_weight", limits.cpuWeight, MAX_CPU_WEIGHT);
  assertWhole("pids_max", limits.pidsMax, U32_MAX);
}

function assertCounter(field: string, value: bigint | null, least: bigint): void {
  if (value !== null && (value < least || value > U64_MAX)) throw invalidLimit(field, value);
}

function assertWhole(field: string, value: number | null, most: number): void {
  if (value !== null && (!Number.isInteger(value) || value < 1 || value > most)) {
    throw invalidLimit(field, value);
  }
}

function invalidLimit(field: string, value: bigint | number): CgroupError {
  return new CgroupError({ kind: "CreationFailed", reason: `invalid limit ${field}=${value}` });
}

/** One control file of a scope and what to write into it. */
export interface LimitFile {
  readonly file: string;
  readonly value: string;
  /** The controller that must be enabled for the file to exist (CG-20). */
  readonly controller: "memory" | "cpu" | "pids";
}

/**
 * The control files of a scope, `io.max` excepted ({@linkcode ioMaxLine}). Absent limits are
 * written as the kernel's defaults, so that a reused directory is reset (CG-22).
 */
export function limitFiles(limits: ResourceLimits): readonly LimitFile[] {
  const orMax = (value: bigint | number | null) => value === null ? "max" : value.toString();
  return [
    { file: "memory.max", value: orMax(limits.memoryMaxBytes), controller: "memory" },
    { file: "memory.high", value: orMax(limits.memoryHighBytes), controller: "memory" },
    { file: "memory.oom.group", value: limits.oomGroup ? "1" : "0", controller: "memory" },
    { file: "cpu.weight", value: (limits.cpuWeight ?? 100).toString(), controller: "cpu" },
    { file: "pids.max", value: orMax(limits.pidsMax), controller: "pids" },
  ];
}

/** CG-27: the `io.max` line for one whole disk, `device` as `MAJ:MIN`; `null` lifts the limit. */
export function ioMaxLine(device: string, bytesPerSecond: bigint | null): string {
  const limit = bytesPerSecond ?? "max";
  return `${device} rbps=${limit} wbps=${limit}`;
}

/** CG-27: whether /sys/block/NAME is a disk that io.max applies to. */
export function isLimitedDisk(name: string): boolean {
  return !/^(?:loop|ram|zram)[0-9]/.test(name);
}

/** The JSON form of limits, with the names of the contract. */
export function resourceLimitsToJson(limits: ResourceLimits): JsonObject {
  return {
    memory_max: limits.memoryMaxBytes,
    cpu_weight: limits.cpuWeight,
    io_max: limits.ioMaxBytesPerSecond,
    memory_high: limits.memoryHighBytes,
    pids_max: limits.pidsMax,
    oom_group: limits.oomGroup,
  };
}

/** @throws {JsonError} when a member has the wrong type */
export function resourceLimitsFromJson(value: JsonValue): ResourceLimits {
  const reader = new JsonReader(value, "limits");
  return {
    memoryMaxBytes: reader.counterOrNull("memory_max"),
    memoryHighBytes: reader.counterOrNull("memory_high"),
    cpuWeight: reader.wholeOrNull("cpu_weight", 65_535),
    ioMaxBytesPerSecond: reader.counterOrNull("io_max"),
    pidsMax: reader.wholeOrNull("pids_max", U32_MAX),
    oomGroup: reader.flagOrNull("oom_group") ?? DEFAULT_LIMITS.oomGroup,
  };
}
