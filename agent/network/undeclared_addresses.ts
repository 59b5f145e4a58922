/*
 * Which addresses of a node somebody gave it, that nobody declared (OBS-9). Pure.
 */

import { type Cidr, formatCidr, type InterfaceSpec } from "../interfaces/mod.ts";
import { describeInterface } from "./describe.ts";
import type { Lease } from "./lease.ts";
import type { InterfaceAddress, Link } from "./netlink/mod.ts";
import { sameCidr } from "./plan.ts";
import { addressesOn, isLoopbackAddress, type NetworkSnapshot } from "./snapshot.ts";

/** Interfaces that container engines, network plugins and hypervisors make and take away. */
const OF_CONTAINERS =
  /^(?:veth.*|docker\d+|br-[0-9a-f]{12}|cni\d+|cni-.*|cali.*|cilium_.*|lxc.*|flannel.*|kube-.*|nodelocaldns|podman\d+|virbr\d+|vnet\d+|vxlan\.calico|tunl0)$/;

/** How addresses stand to what they were. */
export interface AddressChange {
  readonly extra: readonly Cidr[];
  readonly missing: readonly Cidr[];
}

/** Whether nobody cares which addresses an interface has. */
export function isOfContainers(name: string): boolean {
  return OF_CONTAINERS.test(name);
}

/**
 * What an interface is, with only those addresses that somebody gave it: not what DHCP brought, which
 * changes with the lease, nor what every interface has of itself.
 */
export function chosenInterface(
  link: Link,
  snapshot: NetworkSnapshot,
  lease: Lease | undefined,
): InterfaceSpec & { readonly addresses: readonly Cidr[] } {
  const addresses = addressesOn(snapshot, link).filter((address) =>
    address.isPermanent && !isOfItself(address) &&
    (lease === undefined || !sameCidr(address.cidr, lease.address))
  ).map(({ cidr }) => cidr);
  return { ...describeInterface(link, snapshot), addresses };
}

/** What came and what went; `granted` are those that pact itself gives the interface. */
export function addressChange(
  before: readonly Cidr[],
  now: readonly Cidr[],
  granted: readonly Cidr[] = [],
): AddressChange {
  return {
    extra: without(now, [...before, ...granted]),
    missing: without(before, now),
  };
}

function without(all: readonly Cidr[], others: readonly Cidr[]): Cidr[] {
  const known = new Set(others.map(formatCidr));
  return all.filter((cidr) => !known.has(formatCidr(cidr)));
}

/** Loopback's own, and link-local ones of IPv4, which an interface gives itself (RFC 3927). */
function isOfItself({ cidr, isLinkLocal }: InterfaceAddress): boolean {
  if (isLoopbackAddress(cidr)) return true;
  const { address } = cidr;
  const [first, second] = address;
  return address.byteLength === 4 && (isLinkLocal || (first === 169 && second === 254));
}
