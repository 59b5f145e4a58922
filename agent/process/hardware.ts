import type { Files } from "../../ffi/mod.ts";

/** Texts that vendors leave in place of a serial number (NEN-1). */
const PLACEHOLDERS = /^(to be filled.*|default string|0123456789|none|0+|f+|not specified|)$/i;
const MAX_BYTES = 4096;

/**
 * What identifies this machine: the address of its first physical interface, and the serial and UUID
 * the firmware tells (NEN-1). What cannot be read is left out.
 */
export function detectHardware(files: Files): Record<string, string> {
  const hardware: Record<string, string> = {};
  const mac = firstMac(files);
  if (mac !== undefined) hardware["mac"] = mac;
  const serial = readText(files, "/sys/class/dmi/id/chassis_serial");
  if (serial !== undefined) hardware["bmc_serial"] = serial;
  const uuid = readText(files, "/sys/class/dmi/id/product_uuid");
  if (uuid !== undefined) hardware["smbios_uuid"] = uuid.toLowerCase();
  return hardware;
}

function firstMac(files: Files): string | undefined {
  const base = "/sys/class/net";
  const names = list(files, base).sort();
  const physical = names.find((name) => files.lstatIfPresent(`${base}/${name}/device`) !== null);
  return physical === undefined ? undefined : readText(files, `${base}/${physical}/address`);
}

function list(files: Files, path: string): string[] {
  try {
    return files.list(path).map(({ name }) => name);
  } catch {
    return [];
  }
}

function readText(files: Files, path: string): string | undefined {
  try {
    const text = files.readText(path, { maxBytes: MAX_BYTES }).trim();
    return PLACEHOLDERS.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}
