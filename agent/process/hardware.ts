import type { Files } from "../../ffi/mod.ts";
import { endorsementKeyHash } from "./endorsement_key.ts";

/** What is read of the machine; tests give a tree of their own. */
export type HardwareFiles = Pick<Files, "readText" | "list" | "lstatIfPresent" | "exchange">;

/** Texts that vendors leave in place of a serial number (NEN-1). */
const PLACEHOLDERS =
  /^(to be filled.*|default string|0123456789|none|n\/a|0+|f+|not (specified|available|applicable)|)$/;
const MAX_BYTES = 4096;

const DMI = "/sys/class/dmi/id";
const INTERFACES = "/sys/class/net";
const TPM = "/dev/tpmrm0";
/** A TPM may think about one command for so long; half a second is much for those that are sent. */
const TPM_LIMITS = { timeoutMs: 2_000, maxBytes: 4_096 };
/** ARPHRD_ETHER of if_arp.h; InfiniBand and others have addresses that are no MACs. */
const ETHERNET = "1";

/**
 * What identifies this machine (NEN-1): the permanent address of its first physical Ethernet
 * interface, the serial and the UUID that the firmware tells, and the endorsement key of its TPM.
 * What cannot be read, or is a vendor's placeholder, is left out.
 */
export function detectHardware(files: HardwareFiles): Record<string, string> {
  const found = {
    mac: firstMac(files),
    bmc_serial: readText(files, `${DMI}/chassis_serial`) ?? readText(files, `${DMI}/board_serial`),
    smbios_uuid: readText(files, `${DMI}/product_uuid`)?.toLowerCase(),
    tpm_ek_hash: tpmHash(files),
  };
  return Object.fromEntries(
    Object.entries(found).flatMap(([kind, id]) => id === undefined ? [] : [[kind, id]]),
  );
}

function firstMac(files: HardwareFiles): string | undefined {
  const physical = list(files, INTERFACES).sort().filter((name) =>
    files.lstatIfPresent(`${INTERFACES}/${name}/device`) !== null &&
    readText(files, `${INTERFACES}/${name}/type`) === ETHERNET
  );
  for (const name of physical) {
    // What is in a bond shows the bond's address as its own.
    const mac = readText(files, `${INTERFACES}/${name}/bonding_slave/perm_hwaddr`) ??
      readText(files, `${INTERFACES}/${name}/address`);
    if (mac !== undefined) return mac;
  }
  return undefined;
}

function tpmHash(files: HardwareFiles): string | undefined {
  if (files.lstatIfPresent(TPM) === null) return undefined;
  return endorsementKeyHash((command) => files.exchange(TPM, command, TPM_LIMITS));
}

function list(files: HardwareFiles, path: string): string[] {
  try {
    return files.list(path).map(({ name }) => name);
  } catch {
    return [];
  }
}

function readText(files: HardwareFiles, path: string): string | undefined {
  try {
    const text = files.readText(path, { maxBytes: MAX_BYTES }).trim();
    return PLACEHOLDERS.test(text.toLowerCase().replaceAll(/[-:]/g, "")) ? undefined : text;
  } catch {
    return undefined;
  }
}
