import { enrollment } from "../../api/mod.ts";
import { PactError } from "../../common/errors/mod.ts";

/** Hardware identity in its stored form, and every identifier in it as a key of its own (ENR-10). */
export interface NormalizedHardware {
  readonly identity: {
    readonly mac_address: string;
    readonly bmc_serial?: string;
    readonly extra: Record<string, string>;
  };
  readonly keys: string[];
}

const MAX_EXTRA = 16;

/**
 * Normalises what a node or an administrator presents.
 *
 * @throws {PactError} INVALID_ARGUMENT for a malformed, all-zero, broadcast or multicast MAC, or when
 * nothing identifies the machine.
 */
export function normalizeHardware(
  message: enrollment.HardwareIdentity | undefined,
): NormalizedHardware {
  if (message === undefined) throw invalid("hardware_identity required");
  const mac = message.macAddress === "" ? "" : normalizeMac(message.macAddress);
  const bmc = message.bmcSerial.trim().toLowerCase();
  const entries = Object.entries(message.extra);
  if (entries.length > MAX_EXTRA) throw invalid(`more than ${MAX_EXTRA} extra identifiers`);
  const extra = Object.fromEntries(
    entries.map(([key, value]) => [key, value.trim().toLowerCase()]),
  );
  const keys = Object.entries({
    mac,
    bmc,
    smbios: extra["smbios_uuid"] ?? "",
    tpm: extra["tpm_ek_hash"] ?? "",
  }).filter(([, value]) => value !== "").map(([kind, value]) => `${kind}:${value}`);
  if (keys.length === 0) throw invalid("hardware_identity required");
  return {
    identity: { mac_address: mac, ...(bmc === "" ? {} : { bmc_serial: bmc }), extra },
    keys,
  };
}

/** Six lower-case hex pairs with colons; dashes and dots are read too (ENR-10). */
function normalizeMac(text: string): string {
  const digits = text.toLowerCase().replaceAll(/[:.-]/g, "");
  if (!/^[0-9a-f]{12}$/.test(digits)) throw invalid(`malformed MAC address '${text}'`);
  const isGroup = (Number.parseInt(digits.slice(0, 2), 16) & 1) === 1;
  if (isGroup || /^0{12}$/.test(digits)) {
    throw invalid(`MAC address '${text}' identifies no machine`);
  }
  return digits.match(/../g)?.join(":") ?? "";
}

function invalid(message: string): PactError {
  return new PactError("INVALID_ARGUMENT", message);
}
