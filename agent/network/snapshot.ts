import type { Cidr } from "../interfaces/mod.ts";
import type { InterfaceAddress, Link, Route, Rtnetlink } from "./netlink/mod.ts";
import { ROUTE_PROTOCOL } from "./netlink/mod.ts";

/** What the kernel has, all of it read at about the same time. */
export interface NetworkSnapshot {
  readonly links: readonly Link[];
  readonly addresses: readonly InterfaceAddress[];
  readonly routes: readonly Route[];
}

/** Reads the tables. Throws ShimError. */
export function takeSnapshot(
  rtnetlink: Pick<Rtnetlink, "links" | "addresses" | "routes">,
): NetworkSnapshot {
  return {
    links: rtnetlink.links(),
    addresses: rtnetlink.addresses(),
    routes: rtnetlink.routes(),
  };
}

/** The interface of a name. */
export function linkNamed(snapshot: NetworkSnapshot, name: string): Link | undefined {
  return snapshot.links.find((link) => link.name === name);
}

/** The addresses of an interface that somebody gave it; what the kernel makes for IPv6 by itself, on the
 * link or from a router's advertisement, is left out. */
export function addressesOn({ addresses }: NetworkSnapshot, link: Link): InterfaceAddress[] {
  return addresses.filter(({ interfaceIndex, isLinkLocal, isDynamic, cidr }) =>
    interfaceIndex === link.index && !isDynamic &&
    !(isLinkLocal && cidr.address.byteLength === 16)
  );
}

/** Whether an address is one of loopback's, which a node has whatever is declared of `lo`. */
export function isLoopbackAddress({ address }: Cidr): boolean {
  if (address.byteLength === 4) return address[0] === 127;
  return address.every((byte, index) => byte === (index === 15 ? 1 : 0));
}

/** The routes over an interface that somebody made, rather than the kernel or the network itself. */
export function routesOn({ routes }: NetworkSnapshot, link: Link): Route[] {
  return routes.filter(({ interfaceIndex, protocol }) =>
    interfaceIndex === link.index && protocol !== ROUTE_PROTOCOL.kernel &&
    protocol !== ROUTE_PROTOCOL.routerAdvertisement
  );
}

/** A default route over an interface, IPv4 before IPv6. */
export function defaultRouteOn(snapshot: NetworkSnapshot, link: Link): Route | undefined {
  return routesOn(snapshot, link).filter(({ destination }) => destination.prefixLength === 0)
    .sort((a, b) => a.destination.address.byteLength - b.destination.address.byteLength)[0];
}
