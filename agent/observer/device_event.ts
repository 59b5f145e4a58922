import type { Uevent } from "../hardware/mod.ts";
import type { ObservedEvent } from "./event.ts";

/** Vendors of GPUs by their PCI numbers: NVIDIA, AMD; and the classes of displays and accelerators. */
const GPU_ID = /^(?:10DE|1002):/i;
const GPU_CLASS = /^(?:3[0-9A-F]{4}|12[0-9A-F]{4})$/i;

/** The event behind a uevent, undefined for what no dimension is about (OBS-3). */
export function deviceEvent(
  { action, devicePath, values }: Uevent,
): Pick<ObservedEvent, "category" | "path" | "detail"> | undefined {
  const name = devicePath.split("/").at(-1) ?? "";
  const detail = `${action} ${devicePath}`;
  switch (values.get("SUBSYSTEM")) {
    case "module":
      return { category: "kernel", path: `module:${name}`, detail: `module ${action}` };
    case "net": {
      const path = values.get("INTERFACE") ?? name;
      return { category: "network", path, detail };
    }
    case "block":
      return { category: "kernel", path: `block:${values.get("DEVNAME") ?? name}`, detail };
    case "drm":
    case "nvidia":
      return { category: "gpu", path: name, detail };
    case "pci": {
      const isGpu = GPU_ID.test(values.get("PCI_ID") ?? "") &&
        GPU_CLASS.test(values.get("PCI_CLASS") ?? "");
      const path = values.get("PCI_SLOT_NAME") ?? name;
      return isGpu ? { category: "gpu", path, detail } : undefined;
    }
    default:
      return undefined;
  }
}
