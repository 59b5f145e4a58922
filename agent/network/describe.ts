import type { InterfaceSpec } from "../interfaces/mod.ts";
import type { Link } from "./netlink/mod.ts";
import {
  addressesOn,
  defaultRouteOn,
  isLoopbackAddress,
  type NetworkSnapshot,
  routesOn,
} from "./snapshot.ts";

/** Metric the kernel gives an IPv6 route that asks for none. */
const IPV6_DEFAULT_METRIC = 1024;

/** What an interface is now, as one would declare it: without loopback's own addresses. */
export function describeInterface(link: Link, snapshot: NetworkSnapshot): InterfaceSpec {
  const gateway = defaultRouteOn(snapshot, link);
  const isGateway = gateway?.gateway !== undefined &&
    (gateway.metric === 0 || gateway.metric === IPV6_DEFAULT_METRIC);
  const others = routesOn(snapshot, link).filter((route) => !isGateway || route !== gateway);
  return {
    name: link.name,
    addresses: addressesOn(snapshot, link).map(({ cidr }) => cidr)
      .filter((cidr) => !isLoopbackAddress(cidr)),
    ...(isGateway && gateway.gateway !== undefined && { gateway: gateway.gateway }),
    mtu: link.mtu,
    state: link.isUp ? "up" : "down",
    routes: others.map(({ destination, gateway: via, metric }) => ({
      to: destination,
      ...(via !== undefined && { via }),
      metric: destination.address.byteLength === 16 && metric === IPV6_DEFAULT_METRIC ? 0 : metric,
    })),
    role: "other",
    isOptional: false,
  };
}
