/*
 * From what an interface shall be and what it is to what must be done (NET-5). Pure.
 */

import { type InterfaceSpec, routesOfSpec } from "../interfaces/mod.ts";
import { type Cidr, formatCidr, formatIp, sameIp } from "../interfaces/mod.ts";
import { type InterfaceAddress, type Link, type Route, ROUTE_PROTOCOL } from "./netlink/mod.ts";
import type { ResolvedSpec } from "./lease.ts";
import { addressesOn, isLoopbackAddress, type NetworkSnapshot, routesOn } from "./snapshot.ts";

/** One step on an interface. */
export type NetworkOperation =
  | { readonly kind: "link"; readonly change: { readonly isUp?: boolean; readonly mtu?: number } }
  | { readonly kind: "addAddress" | "removeAddress"; readonly cidr: Cidr }
  | { readonly kind: "addRoute"; readonly route: Route; readonly replace: boolean }
  | { readonly kind: "removeRoute"; readonly route: Route };

/**
 * What brings an interface to its specification: what is right stays, what is missing comes before what
 * is too much goes, so that connections survive; loopback's own addresses are never too much. Empty when
 * nothing is to be done. A specification that is `dhcp` has no addresses of its own: give it those of the
 * lease first.
 */
export function planInterface(
  spec: ResolvedSpec,
  link: Link,
  snapshot: NetworkSnapshot,
): NetworkOperation[] {
  if (spec.state === "down") {
    return link.isUp ? [{ kind: "link", change: { isUp: false } }] : [];
  }
  const addresses = addressesOn(snapshot, link);
  const isKept = spec.addresses === "kept";
  const wantedAddresses = spec.addresses === "kept" ? [] : spec.addresses;
  const routes = routesOn(snapshot, link);
  const wanted = routesOfSpec(spec).map(({ to, via, metric }): Route => ({
    destination: to,
    ...(via !== undefined && { gateway: via }),
    interfaceIndex: link.index,
    metric: metric === 0 && to.address.byteLength === 16 ? IPV6_DEFAULT_METRIC : metric,
    protocol: ROUTE_PROTOCOL.static,
  }));
  const missingRoutes = wanted.filter((route) => !routes.some((has) => sameRoute(has, route)));
  const surplusRoutes = isKept
    ? []
    : routes.filter((route) => !wanted.some((want) => sameSlot(want, route)));
  return [
    ...linkChange(spec, link),
    ...wantedAddresses.filter((cidr) => !addresses.some((has) => sameCidr(has.cidr, cidr)))
      .map((cidr) => ({ kind: "addAddress", cidr } as const)),
    ...missingRoutes.map((route) => ({
      kind: "addRoute",
      route,
      // In place of one of our own only: what goes over other interfaces is none of ours (NET-11).
      replace: routes.some((has) => sameSlot(has, route)),
    } as const)),
    ...surplusRoutes.map((route) => ({ kind: "removeRoute", route } as const)),
    ...addresses.filter(({ cidr }) =>
      !isKept && !isLoopbackAddress(cidr) &&
      !wantedAddresses.some((want) => sameCidr(want, cidr))
    )
      .map(({ cidr }) => ({ kind: "removeAddress", cidr } as const)),
  ];
}

/** Metric the kernel gives an IPv6 route that asks for none. */
const IPV6_DEFAULT_METRIC = 1024;

/** How an interface stands to its specification (NET-4). */
export type InterfaceCondition =
  | { readonly state: "Up" }
  | { readonly state: "Configuring"; readonly waitingFor: string }
  | { readonly state: "Down"; readonly reason: string };

/** Whether an interface is what it shall be; with a reason when it is not. */
export function conditionOf(
  spec: ResolvedSpec,
  link: Link | undefined,
  snapshot: NetworkSnapshot,
): InterfaceCondition {
  if (link === undefined) return { state: "Down", reason: "no such interface" };
  if (spec.state === "down") return { state: "Down", reason: "declared down" };
  if (!link.isUp) return { state: "Down", reason: "not up" };
  if (!link.hasCarrier) return { state: "Configuring", waitingFor: "carrier" };
  const addresses = addressesOn(snapshot, link);
  for (const wanted of spec.addresses === "kept" ? [] : spec.addresses) {
    const found = addresses.find(({ cidr }) => sameCidr(cidr, wanted));
    const text = formatCidr(wanted);
    if (found === undefined) return { state: "Configuring", waitingFor: `address ${text}` };
    if (found.isDuplicate) return { state: "Down", reason: `${text} is in use on the network` };
    if (found.isTentative) return { state: "Configuring", waitingFor: `check of ${text}` };
  }
  const [operation] = planInterface(spec, link, snapshot);
  if (operation === undefined) return { state: "Up" };
  return { state: "Configuring", waitingFor: describeOperation(operation) };
}

/** A step as the log shows it. */
export function describeOperation(operation: NetworkOperation): string {
  switch (operation.kind) {
    case "link": {
      const { isUp, mtu } = operation.change;
      const state = isUp === undefined ? [] : [isUp ? "up" : "down"];
      return [...state, ...(mtu === undefined ? [] : [`mtu ${mtu}`])].join(", ");
    }
    case "addAddress":
      return `add ${formatCidr(operation.cidr)}`;
    case "removeAddress":
      return `remove ${formatCidr(operation.cidr)}`;
    case "addRoute":
      return `add route ${describeRoute(operation.route)}`;
    case "removeRoute":
      return `remove route ${describeRoute(operation.route)}`;
  }
}

function linkChange({ mtu }: InterfaceSpec, link: Link): NetworkOperation[] {
  const change = {
    ...(!link.isUp && { isUp: true }),
    ...(mtu !== undefined && mtu !== link.mtu && { mtu }),
  };
  return Object.keys(change).length === 0 ? [] : [{ kind: "link", change }];
}

function describeRoute({ destination, gateway }: Route): string {
  const via = gateway === undefined ? "" : ` via ${formatIp(gateway)}`;
  return `${destination.prefixLength === 0 ? "default" : formatCidr(destination)}${via}`;
}

/** What the kernel tells two routes apart by. */
function sameSlot(a: Route, b: Route): boolean {
  return sameCidr(a.destination, b.destination) && a.metric === b.metric;
}

function sameRoute(a: Route, b: Route): boolean {
  return sameSlot(a, b) && sameIp(a.gateway, b.gateway);
}

/** Whether two addresses, prefix included, are the same. */
export function sameCidr(a: InterfaceAddress["cidr"], b: Cidr): boolean {
  return a.prefixLength === b.prefixLength && sameIp(a.address, b.address);
}
