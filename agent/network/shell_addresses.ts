import { formatIp, type InterfaceRole } from "../interfaces/mod.ts";
import { linkNamed, type NetworkSnapshot } from "./snapshot.ts";

/** What counts as the management network. */
export interface ManagementKnowledge {
  readonly snapshot: NetworkSnapshot;
  /** Roles of the interfaces that are managed. */
  readonly roles: ReadonlyMap<string, InterfaceRole>;
  /** Interfaces that the boot brought up or found. */
  readonly boot: ReadonlySet<string>;
}

/**
 * The addresses that pact may be called over beside loopback's, in a stable order; undefined while no
 * interface has a role, and every address counts (NET-12). Pure.
 */
export function shellAddresses(
  { snapshot, roles, boot }: ManagementKnowledge,
): readonly string[] | undefined {
  if (![...roles.values()].some((role) => role !== "other")) return undefined;
  const isManagement = (name: string) => boot.has(name) || roles.get(name) === "management";
  const indexes = new Set(
    [...roles.keys(), ...boot].filter(isManagement).map((name) => linkNamed(snapshot, name)?.index),
  );
  return [
    ...new Set(
      snapshot.addresses.filter(({ interfaceIndex }) => indexes.has(interfaceIndex))
        .map(({ cidr }) => formatIp(cidr.address)),
    ),
  ].sort();
}
