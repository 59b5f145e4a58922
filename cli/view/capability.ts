import { capability } from "../../api/mod.ts";
import { bytesText, plural, printable } from "../output/mod.ts";

type Report = capability.CapabilityReport;

/** A capability report as people read it (CLI-53). */
export function capabilityLines(report: Report): string[] {
  return [
    `Node: ${printable(report.nodeId)}`,
    ...cpuLines(report),
    ...memoryLines(report),
    ...gpuLines(report),
    ...networkLines(report),
    ...storageLines(report),
    ...softwareLines(report),
    ...supervisorLines(report),
    ...report.unavailable.map((reason) => `Unavailable: ${printable(reason)}`),
  ];
}

function cpuLines({ cpu }: Report): string[] {
  if (cpu === undefined) return [];
  const architecture = capability.CpuArchitecture[cpu.architecture].toLowerCase();
  return [
    `CPU: ${printable(cpu.model)}, ${cpu.physicalCores} cores (${cpu.logicalCores} threads), ` +
    architecture,
  ];
}

function memoryLines({ memory }: Report): string[] {
  if (memory === undefined) return [];
  const type = capability.MemoryType[memory.memoryType];
  const numa = memory.numaNodes === 0 ? "" : `, ${plural(memory.numaNodes, "NUMA node")}`;
  const kind = type === "UNSPECIFIED" ? "" : ` ${type}`;
  return [
    `Memory: ${bytesText(Number(memory.availableBytes))} / ${
      bytesText(Number(memory.totalBytes))
    } available${kind}${numa}`,
  ];
}

/** GPUs by model and health: `GPUs: 3x A100 (healthy), 1x A100 (DEGRADED)`. */
function gpuLines({ gpus }: Report): string[] {
  if (gpus.length === 0) return [];
  const groups = new Map<string, number>();
  for (const { model, health } of gpus) {
    const name = capability.GpuHealth[health];
    const label = `${printable(model)} (${name === "HEALTHY" ? "healthy" : name})`;
    groups.set(label, (groups.get(label) ?? 0) + 1);
  }
  return [`GPUs: ${[...groups].map(([label, count]) => `${count}x ${label}`).join(", ")}`];
}

function networkLines({ networkInterfaces }: Report): string[] {
  if (networkInterfaces.length === 0) return [];
  return ["Network:"].concat(networkInterfaces.map((item) => {
    const state = capability.InterfaceOperState[item.state].toLowerCase();
    const fabric = capability.NetworkFabric[item.fabric].toLowerCase();
    const speed = item.speedMbps === 0n ? "" : ` ${item.speedMbps} Mb/s`;
    const address = item.ipv4 === undefined ? "" : ` ${printable(item.ipv4)}`;
    return `  ${printable(item.name)}: ${state} ${fabric}${speed}${address}`;
  }));
}

function storageLines({ storage }: Report): string[] {
  if (storage === undefined) return [];
  const type = capability.StorageNodeType[storage.nodeType].toLowerCase().replace("_", " ");
  const disks = storage.localDisks.map((disk) =>
    `  ${printable(disk.device)}: ${printable(disk.model)} ${bytesText(Number(disk.capacityBytes))}`
  );
  const mounts = storage.mounts.map((mount) =>
    `  ${printable(mount.path)}: ${printable(mount.source)}, ${
      bytesText(Number(mount.availableBytes))
    } of ${bytesText(Number(mount.totalBytes))} free`
  );
  return [`Storage: ${type}`, ...disks, ...mounts];
}

function softwareLines({ software }: Report): string[] {
  if (software === undefined) return [];
  const image = software.uenvImage === undefined ? "" : `, uenv ${printable(software.uenvImage)}`;
  return [
    `Software: ${plural(software.loadedModules.length, "kernel module")}${image}`,
    ...software.services.map((service) =>
      `  ${printable(service.name)}: ${printable(service.state)}`
    ),
  ];
}

function supervisorLines({ supervisor }: Report): string[] {
  if (supervisor === undefined) return [];
  const { servicesRunning, servicesDeclared, servicesFailed } = supervisor;
  return [
    `Supervisor: ${
      printable(supervisor.backend).toLowerCase()
    } (${servicesRunning}/${servicesDeclared} running, ${servicesFailed} failed)`,
  ];
}
