/** How hard it is to pass for a machine that is known by such identifiers (ENR-14). */
export type IdentityStrength = "mac" | "smbios" | "tpm";

const ORDER: readonly IdentityStrength[] = ["mac", "smbios", "tpm"];

/**
 * The strength of a record by its identifiers. All of them must be presented, so the best one counts:
 * an endorsement key hash, then what the firmware tells, then an address that anybody can set.
 */
export function strengthOf(hardwareKeys: readonly string[]): IdentityStrength {
  const has = (kind: string) => hardwareKeys.some((key) => key.startsWith(`${kind}:`));
  if (has("tpm")) return "tpm";
  return has("smbios") || has("bmc") ? "smbios" : "mac";
}

/** Why such a record is not enough here; undefined where it is. */
export function weakness(
  hardwareKeys: readonly string[],
  least: IdentityStrength,
): string | undefined {
  const found = strengthOf(hardwareKeys);
  if (ORDER.indexOf(found) >= ORDER.indexOf(least)) return undefined;
  const remedy = least === "tpm" ? "--tpm-ek" : "--smbios-uuid, --bmc-serial or --tpm-ek";
  return `the machine is known by its ${found} at best, and journal.enrollment.min_identity asks ` +
    `for ${least}: register it with ${remedy}`;
}
