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
/** Links to what an interface is made of; a VLAN on a bond on a bridge is deep. */
const LOWER = "lower_";
const MAX_STACKED = 4;

/** What of a machine's network makes its identity. */
export interface NetworkIdentity {
  /** Interfaces that may be the management interface, the best first. */
  readonly management: readonly string[];
  /** The address that an interface was made with, as text; undefined where the kernel tells none. */
  readonly permanentAddress: (name: string) => string | undefined;
}

/**
 * What identifies this machine (NEN-1): the permanent address of its management interface, else of its
 * lowest physical Ethernet interface, the serial and the UUID that the firmware tells, and the endorsement key of its TPM.
 * What cannot be read, or is a vendor's placeholder, is left out.
 */
export function detectHardware(
  files: HardwareFiles,
  network: NetworkIdentity,
): Record<string, string> {
  const found = {
    mac: macOf(files, network),
    bmc_serial: readText(files, `${DMI}/chassis_serial`) ?? readText(files, `${DMI}/board_serial`),
    smbios_uuid: readText(files, `${DMI}/product_uuid`)?.toLowerCase(),
    tpm_ek_hash: tpmHash(files),
  };
  return Object.fromEntries(
    Object.entries(found).flatMap(([kind, id]) => id === undefined ? [] : [[kind, id]]),
  );
}

function macOf(
  files: HardwareFiles,
  { management, permanentAddress }: NetworkIdentity,
): string | undefined {
  const all = list(files, INTERFACES).sort(inNaturalOrder);
  const ports = [...management.flatMap((name) => portsOf(files, name)), ...all];
  for (const name of ports.filter((port) => isPhysicalEthernet(files, port))) {
    // What is in a bond shows the bond's address as its own.
    const mac = identifying(permanentAddress(name)) ??
      readText(files, `${INTERFACES}/${name}/bonding_slave/perm_hwaddr`) ??
      readText(files, `${INTERFACES}/${name}/address`);
    if (mac !== undefined) return mac.toLowerCase();
  }
  return undefined;
}

/** The interface, and below a bond, a bridge or a VLAN what it is made of. */
function portsOf(files: HardwareFiles, name: string, depth = 0): string[] {
  if (depth === MAX_STACKED) return [];
  const below = list(files, `${INTERFACES}/${name}`)
    .filter((entry) => entry.startsWith(LOWER)).map((entry) => entry.slice(LOWER.length))
    .sort(inNaturalOrder);
  return [name, ...below.flatMap((port) => portsOf(files, port, depth + 1))];
}

function isPhysicalEthernet(files: HardwareFiles, name: string): boolean {
  return files.lstatIfPresent(`${INTERFACES}/${name}/device`) !== null &&
    readText(files, `${INTERFACES}/${name}/type`) === ETHERNET;
}

/** `eth2` comes before `eth10`. Not by `localeCompare`, which loads the rules of all languages for it. */
function inNaturalOrder(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)];
  for (const [index, part] of left.entries()) {
    const other = right[index];
    if (other === undefined) return 1;
    if (part === other) continue;
    const difference = Number(part) - Number(other);
    // Of two that are not both numbers the characters decide.
    if (difference !== 0 && !Number.isNaN(difference)) return difference;
    return part < other ? -1 : 1;
  }
  return left.length - right.length;
}

/** Numbers, and what is between them. */
function partsOf(name: string): readonly string[] {
  return name.match(/\d+|\D+/g) ?? [];
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
    return identifying(files.readText(path, { maxBytes: MAX_BYTES }).trim());
  } catch {
    return undefined;
  }
}

/** A text that is nobody's placeholder. */
function identifying(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  return PLACEHOLDERS.test(text.toLowerCase().replaceAll(/[-:]/g, "")) ? undefined : text;
}
