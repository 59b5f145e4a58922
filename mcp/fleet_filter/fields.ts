import type { capability, journal } from "../../api/mod.ts";
import { oneLine } from "../view/mod.ts";
import { nameOf } from "./enum_name.ts";

/** What is known of one node when a filter looks at it. */
export interface NodeFacts {
  readonly state: journal.NodeStateDetail;
  /** The node's last report; undefined when it never sent one. */
  readonly report: capability.CapabilityReport | undefined;
}

/** A fact: texts compare without regard to case, numbers by value. */
export type Fact = string | number;

/** Something that a node has: itself, a GPU, an interface or a service, by the fields it answers. */
export type Subject = Readonly<Partial<Record<FieldName, Fact>>>;

/** What kind of thing each field describes. Terms about one kind must hold for one and the same. */
export const FIELDS = {
  gpu_health: "gpu",
  gpu_vendor: "gpu",
  gpu_model: "gpu",
  gpu_count: "node",
  memory_gb: "node",
  memory_available_gb: "node",
  cpu_arch: "node",
  cpu_cores: "node",
  fabric: "interface",
  interface_state: "interface",
  service: "service",
  service_state: "service",
  supervisor: "node",
  uenv: "node",
  enrollment: "node",
  drift: "node",
} as const;

/** A field of a filter (MCP-49). */
export type FieldName = keyof typeof FIELDS;

/** Kinds of things. */
export type SubjectKind = (typeof FIELDS)[FieldName];

const gigabyte = 1024 ** 3;

/** The things of one kind that a node has, with their facts. */
export function subjectsOf(kind: SubjectKind, facts: NodeFacts): Subject[] {
  switch (kind) {
    case "node":
      return [nodeSubject(facts)];
    case "gpu":
      return (facts.report?.gpus ?? []).map((gpu) => ({
        gpu_health: nameOf("GpuHealth", gpu.health),
        gpu_vendor: nameOf("GpuVendor", gpu.vendor),
        gpu_model: oneLine(gpu.model),
      }));
    case "interface":
      return (facts.report?.networkInterfaces ?? []).map((link) => ({
        fabric: nameOf("NetworkFabric", link.fabric),
        interface_state: nameOf("InterfaceOperState", link.state),
      }));
    case "service":
      return (facts.report?.software?.services ?? []).map((service) => ({
        service: oneLine(service.name),
        service_state: oneLine(service.state),
      }));
  }
}

function nodeSubject({ state, report }: NodeFacts): Subject {
  const memoryTotal = state.memoryTotal || report?.memory?.totalBytes;
  const memoryAvailable = state.memoryAvailable || report?.memory?.availableBytes;
  const { cpu, software } = report ?? {};
  return {
    gpu_count: report?.gpus.length ?? state.gpusTotal,
    ...(memoryTotal ? { memory_gb: Number(memoryTotal) / gigabyte } : {}),
    ...(memoryAvailable ? { memory_available_gb: Number(memoryAvailable) / gigabyte } : {}),
    ...(cpu === undefined ? {} : {
      cpu_arch: nameOf("CpuArchitecture", cpu.architecture),
      cpu_cores: cpu.physicalCores || cpu.logicalCores,
    }),
    ...(state.supervisor === undefined ? {} : { supervisor: oneLine(state.supervisor.backend) }),
    ...(software?.uenvImage === undefined ? {} : { uenv: oneLine(software.uenvImage) }),
    enrollment: oneLine(state.enrollmentState),
    drift: state.drift?.total ?? 0,
  };
}
