import { create } from "@bufbuild/protobuf";
import { multiple, optional } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import { enrollment } from "../../api/mod.ts";
import { usageFailure } from "../failure/mod.ts";
import { say, word } from "./parsing.ts";

/** Options that say by what hardware a node is known (CLI-113, ENR-11). */
export const hardwareOptions = {
  hardwareIds: multiple(option("--hardware-id", word("ID"), {
    description: say("tpm:HASH, smbios:UUID, bmc:SERIAL, mac:MAC, or a bare MAC or UUID."),
  })),
  mac: optional(option("--mac", word("MAC"), {
    description: say("MAC address of the management interface."),
  })),
  bmcSerial: optional(option("--bmc-serial", word("SERIAL"), {
    description: say("Serial number of the BMC."),
  })),
  smbiosUuid: optional(option("--smbios-uuid", word("UUID"), {
    description: say("SMBIOS UUID."),
  })),
  tpmEk: optional(option("--tpm-ek", word("HASH"), {
    description: say("SHA-256 of the TPM's endorsement key."),
  })),
};

/** Identifiers as given. */
export interface HardwareOptions {
  readonly hardwareIds: readonly string[];
  readonly mac: string | undefined;
  readonly bmcSerial: string | undefined;
  readonly smbiosUuid: string | undefined;
  readonly tpmEk: string | undefined;
}

type Kind = "mac" | "bmc" | "smbios" | "tpm";

const MAC = /^([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$|^([0-9a-f]{4}\.){2}[0-9a-f]{4}$/i;
const UUID = /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i;

/**
 * The hardware identity the options name.
 *
 * @throws {Failure} exit 1 when none is given, one is given twice, or one has no known shape.
 */
export function hardwareIdentity(options: HardwareOptions): enrollment.HardwareIdentity {
  const found = new Map<Kind, string>();
  const add = (kind: Kind, value: string) => {
    if (found.has(kind)) throw usageFailure(`two ${kind} identifiers given`);
    found.set(kind, value);
  };
  for (const text of options.hardwareIds) {
    const [kind, value] = readIdentifier(text);
    add(kind, value);
  }
  if (options.mac !== undefined) add("mac", options.mac);
  if (options.bmcSerial !== undefined) add("bmc", options.bmcSerial);
  if (options.smbiosUuid !== undefined) add("smbios", options.smbiosUuid);
  if (options.tpmEk !== undefined) add("tpm", options.tpmEk);
  if (found.size === 0) {
    throw usageFailure("a node needs a hardware identity", "give --hardware-id ID or --mac MAC");
  }
  const extra: Record<string, string> = {};
  const [smbios, tpm] = [found.get("smbios"), found.get("tpm")];
  if (smbios !== undefined) extra["smbios_uuid"] = smbios;
  if (tpm !== undefined) extra["tpm_ek_hash"] = tpm;
  return create(enrollment.HardwareIdentitySchema, {
    macAddress: found.get("mac") ?? "",
    bmcSerial: found.get("bmc") ?? "",
    extra,
  });
}

function readIdentifier(text: string): [Kind, string] {
  const match = /^(mac|bmc|smbios|tpm):(.+)$/i.exec(text);
  const [, kind, value] = match ?? [];
  if (kind !== undefined && value !== undefined) return [kind.toLowerCase() as Kind, value];
  if (MAC.test(text)) return ["mac", text];
  if (UUID.test(text)) return ["smbios", text];
  throw usageFailure(
    `'${text}' is no hardware id`,
    "use tpm:HASH, smbios:UUID, bmc:SERIAL, mac:MAC, or a bare MAC or UUID",
  );
}
