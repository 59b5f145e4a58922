import { capability } from "../../api/mod.ts";

const enums = {
  GpuHealth: capability.GpuHealthSchema,
  GpuVendor: capability.GpuVendorSchema,
  NetworkFabric: capability.NetworkFabricSchema,
  InterfaceOperState: capability.InterfaceOperStateSchema,
  CpuArchitecture: capability.CpuArchitectureSchema,
} as const;

/** The word for a value of an enum, without its prefix: `GPU_HEALTH_DEGRADED` is `degraded`. */
export function nameOf(name: keyof typeof enums, number: number): string {
  const value = enums[name].values.find((candidate) => candidate.number === number);
  return (value?.localName ?? "unknown").toLowerCase();
}
