import type { Cidr, IpBytes } from "../../interfaces/mod.ts";
import { FAMILY, familyOf } from "./address.ts";
import {
  type Attribute,
  decodeAttributes,
  encodePayload,
  uint32Of,
  uint32Value,
  viewOf,
} from "./message.ts";

/** Message types of rtnetlink(7). */
export const RTM_ROUTE = { new: 24, delete: 25, get: 26 } as const;

/** RTPROT_*: who made a route. */
export const ROUTE_PROTOCOL = { kernel: 2, boot: 3, static: 4, routerAdvertisement: 9, dhcp: 16 };

/** RTA_* of rtnetlink(7). */
const RTA = { destination: 1, outInterface: 4, gateway: 5, priority: 6, table: 15 } as const;
const TABLE_MAIN = 254;
const TYPE_UNICAST = 1;
const SCOPE = { universe: 0, link: 253 } as const;
/** struct rtmsg. */
const FIXED_BYTES = 12;

/** A route of the main table. */
export interface Route {
  readonly destination: Cidr;
  /** Absent: the destination is on the link itself. */
  readonly gateway?: IpBytes;
  readonly interfaceIndex: number;
  /** Lower is preferred. */
  readonly metric: number;
  readonly protocol: number;
}

/** The payload that asks for every route. */
export function routeRequest(): Uint8Array {
  return new Uint8Array(FIXED_BYTES);
}

/** The payload that asks which way packets to an address go, policy routing included. */
export function routeLookup(address: IpBytes): Uint8Array {
  const fixed = new Uint8Array(FIXED_BYTES);
  fixed[0] = familyOf(address);
  fixed[1] = address.byteLength * 8;
  return encodePayload(fixed, [[RTA.destination, address]]);
}

/**
 * The index of the interface that the answer to such a question names; undefined for a way that leads
 * nowhere.
 *
 * @throws {NetlinkFormatError} for a payload that is none.
 */
export function outInterfaceOf(payload: Uint8Array): number | undefined {
  return uint32Of(decodeAttributes(payload, FIXED_BYTES).get(RTA.outInterface));
}

/** The payload of RTM_NEWROUTE and RTM_DELROUTE. */
export function routeChange(route: Route): Uint8Array {
  const { destination, gateway, interfaceIndex, metric, protocol } = route;
  const fixed = new Uint8Array(FIXED_BYTES);
  fixed[0] = familyOf(destination.address);
  fixed[1] = destination.prefixLength;
  fixed[4] = TABLE_MAIN;
  fixed[5] = protocol;
  fixed[6] = gateway === undefined ? SCOPE.link : SCOPE.universe;
  fixed[7] = TYPE_UNICAST;
  const attributes: Attribute[] = [];
  if (destination.prefixLength > 0) attributes.push([RTA.destination, destination.address]);
  if (gateway !== undefined) attributes.push([RTA.gateway, gateway]);
  attributes.push([RTA.outInterface, uint32Value(interfaceIndex)]);
  if (metric > 0) attributes.push([RTA.priority, uint32Value(metric)]);
  return encodePayload(fixed, attributes);
}

/**
 * The route in the payload of RTM_NEWROUTE or RTM_DELROUTE; undefined for one that is not of the main
 * table, no plain unicast route over one interface, or of another family than IP.
 *
 * @throws {NetlinkFormatError} for a payload that is none.
 */
export function decodeRoute(payload: Uint8Array): Route | undefined {
  const attributes = decodeAttributes(payload, FIXED_BYTES);
  const view = viewOf(payload);
  const family = view.getUint8(0);
  const table = uint32Of(attributes.get(RTA.table)) ?? view.getUint8(4);
  const interfaceIndex = uint32Of(attributes.get(RTA.outInterface));
  if (family !== FAMILY.ipv4 && family !== FAMILY.ipv6) return undefined;
  if (table !== TABLE_MAIN || view.getUint8(7) !== TYPE_UNICAST || interfaceIndex === undefined) {
    return undefined;
  }
  const nowhere = new Uint8Array(family === FAMILY.ipv4 ? 4 : 16);
  const gateway = attributes.get(RTA.gateway)?.slice();
  return {
    destination: {
      address: attributes.get(RTA.destination)?.slice() ?? nowhere,
      prefixLength: view.getUint8(1),
    },
    ...(gateway !== undefined && { gateway }),
    interfaceIndex,
    metric: uint32Of(attributes.get(RTA.priority)) ?? 0,
    protocol: view.getUint8(5),
  };
}
