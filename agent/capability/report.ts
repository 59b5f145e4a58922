import { create } from "@bufbuild/protobuf";
import { capability, timestampFromMs } from "../../api/mod.ts";
import type { Files, System } from "../../ffi/mod.ts";

/** What a report says beyond the machine itself. */
export interface ReportFacts {
  readonly nodeId: string;
  readonly nowMs: number;
  readonly reportId: string;
  readonly configState: string;
  readonly supervisor: capability.SupervisorStatus;
  readonly services: readonly { readonly name: string; readonly state: string }[];
  readonly unavailable: readonly string[];
}

/** Where the report reads the machine. */
export interface ReportSources {
  readonly files: Files;
  readonly system: System;
}

const MAX_PROC_BYTES = 4 * 1024 * 1024;

/**
 * The node's hardware and software (CAP-1, CAP-4). A part that cannot be read has its fallback and is
 * named in `unavailable`; the report itself never fails.
 */
export function capabilityReport(
  sources: ReportSources,
  facts: ReportFacts,
): capability.CapabilityReport {
  const missing = new Set(facts.unavailable);
  const read = (path: string) => readProc(sources.files, path, missing);
  return create(capability.CapabilityReportSchema, {
    nodeId: facts.nodeId,
    timestamp: timestampFromMs(facts.nowMs),
    reportId: facts.reportId,
    schemaVersion: 1,
    cpu: cpu(sources.system.names().machine, read("/proc/cpuinfo")),
    memory: memory(read("/proc/meminfo")),
    storage: { nodeType: capability.StorageNodeType.DISKLESS },
    software: {
      loadedModules: modules(read("/proc/modules")),
      services: facts.services.map(({ name, state }) => ({ name, state })),
    },
    supervisor: facts.supervisor,
    configState: CONFIG_STATES[facts.configState] ?? capability.ConfigState.OBSERVE_ONLY,
    unavailable: [
      ...missing,
      "gpu detection: not in this version",
      "network and disk detection: not in this version",
    ],
  });
}

const CONFIG_STATES: Readonly<Record<string, capability.ConfigState>> = {
  ObserveOnly: capability.ConfigState.OBSERVE_ONLY,
  Committed: capability.ConfigState.COMMITTED,
  Drifted: capability.ConfigState.DRIFTED,
  Converging: capability.ConfigState.CONVERGING,
  Emergency: capability.ConfigState.EMERGENCY,
};

const ARCHITECTURES: Readonly<Record<string, capability.CpuArchitecture>> = {
  x86_64: capability.CpuArchitecture.X86_64,
  aarch64: capability.CpuArchitecture.AARCH64,
  arm64: capability.CpuArchitecture.AARCH64,
};

function readProc(files: Files, path: string, missing: Set<string>): string {
  try {
    return files.readText(path, { maxBytes: MAX_PROC_BYTES });
  } catch (error) {
    missing.add(`${path}: ${error instanceof Error ? error.message : String(error)}`);
    return "";
  }
}

/** Logical CPUs, and distinct pairs of package and core (CAP-4). */
function cpu(machine: string, cpuinfo: string) {
  const blocks = cpuinfo.split(/\n\n+/).filter((block) => /^processor\s*:/m.test(block));
  const field = (block: string, name: string) =>
    new RegExp(`^${name}\\s*:\\s*(.*)$`, "m").exec(block)?.[1] ?? "";
  const cores = new Set(
    blocks.map((block) => `${field(block, "physical id")}/${field(block, "core id")}`),
  );
  const [first = ""] = blocks;
  return {
    architecture: ARCHITECTURES[machine] ?? capability.CpuArchitecture.UNSPECIFIED,
    model: field(first, "model name") || "Unknown",
    physicalCores: cores.size,
    logicalCores: blocks.length,
    features: hpcFeatures(field(first, "flags") || field(first, "Features")),
  };
}

const HPC_FEATURES = /^(sse4_2|avx|avx2|fma|avx512.*|amx.*|bf16|sve|sve2|sm3|asimd.*)$/;

function hpcFeatures(flags: string): string[] {
  return flags.split(" ").filter((flag) => HPC_FEATURES.test(flag));
}

function memory(meminfo: string) {
  const bytes = (name: string) => {
    const kib = new RegExp(`^${name}:\\s+([0-9]+) kB$`, "m").exec(meminfo)?.[1] ?? "0";
    return BigInt(kib) * 1024n;
  };
  return { totalBytes: bytes("MemTotal"), availableBytes: bytes("MemAvailable") };
}

function modules(text: string): string[] {
  return text.split("\n").map((line) => line.split(" ")[0] ?? "").filter((name) => name !== "")
    .sort();
}
