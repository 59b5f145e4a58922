/*
 * Shell: questions and commands to the kernel's routing tables, each one exchange. It owns nothing.
 */

import { type Network, ShimError } from "../../../ffi/mod.ts";
import { type Cidr, formatCidr, type IpBytes } from "../../interfaces/mod.ts";
import {
  addressChange,
  addressRequest,
  decodeAddress,
  type InterfaceAddress,
  RTM_ADDRESS,
} from "./address.ts";
import { decodeLink, type Link, linkChange, linkRequest, RTM_LINK } from "./link.ts";
import {
  decodeMessages,
  encodeMessage,
  NetlinkFormatError,
  type NetlinkMessage,
  NLM_F,
  NLMSG,
  viewOf,
} from "./message.ts";
import {
  decodeRoute,
  outInterfaceOf,
  type Route,
  routeChange,
  routeLookup,
  routeRequest,
  RTM_ROUTE,
} from "./route.ts";

/** Times a table is read again because it changed meanwhile. */
const DUMP_ATTEMPTS = 5;

/** What a lookup ends with where no route leads, or one that forbids it. */
const NO_WAY: readonly string[] = ["ENETUNREACH", "EHOSTUNREACH", "EACCES", "EINVAL"];

/** The kernel's links, addresses and routes. Every function throws ShimError, named for what it did. */
export interface Rtnetlink {
  links(): Link[];
  addresses(): InterfaceAddress[];
  /** The unicast routes of the main table. */
  routes(): Route[];
  /** The index of the interface over which packets to an address leave; undefined without a route. */
  wayTo(address: IpBytes): number | undefined;
  changeLink(link: Pick<Link, "index" | "name">, change: {
    readonly isUp?: boolean;
    readonly mtu?: number;
  }): void;
  /** An address that is there already is left as it is. */
  addAddress(interfaceIndex: number, cidr: Cidr): void;
  /** One that is gone already is no error. */
  removeAddress(interfaceIndex: number, cidr: Cidr): void;
  /** `replace` puts it in the place of one with the same destination and metric. */
  addRoute(route: Route, options: { readonly replace: boolean }): void;
  /** One that is gone already is no error. */
  removeRoute(route: Route): void;
}

/** The tables of the network namespace that this process is in. */
export function createRtnetlink(network: Pick<Network, "talk">): Rtnetlink {
  let sequence = 0;

  function exchange(type: number, flags: number, payload: Uint8Array): NetlinkMessage[] {
    sequence = (sequence + 1) >>> 0;
    const request = { type, flags: flags | NLM_F.request, sequence, payload };
    return decodeMessages(network.talk(encodeMessage(request)));
  }

  function dump<Item>(
    type: number,
    newType: number,
    payload: Uint8Array,
    decode: (payload: Uint8Array) => Item | undefined,
  ): Item[] {
    for (let attempt = 0; attempt < DUMP_ATTEMPTS; attempt++) {
      const answer = exchange(type, NLM_F.dump, payload);
      throwIfError(answer, "netlink dump");
      if (answer.some(({ flags }) => (flags & NLM_F.dumpInterrupted) !== 0)) continue;
      return answer.filter((message) => message.type === newType)
        .flatMap((message) => decode(message.payload) ?? []);
    }
    throw ShimError.of("EAGAIN", "netlink dump");
  }

  /** Carries out a change; answers whether it was needed. */
  function command(
    operation: string,
    { type, flags = 0, payload }: { type: number; flags?: number; payload: Uint8Array },
    isSettled: readonly string[] = [],
  ): void {
    const answer = exchange(type, flags | NLM_F.ack, payload);
    try {
      throwIfError(answer, operation);
    } catch (error) {
      if (!(error instanceof ShimError) || !isSettled.includes(error.code)) throw error;
    }
  }

  return {
    links: () => dump(RTM_LINK.get, RTM_LINK.new, linkRequest(), decodeLink),
    addresses: () => dump(RTM_ADDRESS.get, RTM_ADDRESS.new, addressRequest(), decodeAddress),
    routes: () => dump(RTM_ROUTE.get, RTM_ROUTE.new, routeRequest(), decodeRoute),
    wayTo: (address) => {
      const answer = exchange(RTM_ROUTE.get, NLM_F.ack, routeLookup(address));
      try {
        throwIfError(answer, "look up route");
      } catch (error) {
        if (error instanceof ShimError && NO_WAY.includes(error.code)) return undefined;
        throw error;
      }
      const way = answer.find(({ type }) => type === RTM_ROUTE.new);
      return way === undefined ? undefined : outInterfaceOf(way.payload);
    },
    changeLink: ({ index, name }, change) =>
      command(`change link ${name}`, { type: RTM_LINK.new, payload: linkChange(index, change) }),
    addAddress: (index, cidr) =>
      command(`add address ${formatCidr(cidr)}`, {
        type: RTM_ADDRESS.new,
        flags: NLM_F.create | NLM_F.exclusive,
        payload: addressChange(index, cidr),
      }, ["EEXIST"]),
    removeAddress: (index, cidr) =>
      command(`remove address ${formatCidr(cidr)}`, {
        type: RTM_ADDRESS.delete,
        payload: addressChange(index, cidr),
      }, ["EADDRNOTAVAIL"]),
    addRoute: (route, { replace }) =>
      command(`add route to ${formatCidr(route.destination)}`, {
        type: RTM_ROUTE.new,
        flags: NLM_F.create | (replace ? NLM_F.replace : NLM_F.exclusive),
        payload: routeChange(route),
      }),
    removeRoute: (route) =>
      command(`remove route to ${formatCidr(route.destination)}`, {
        type: RTM_ROUTE.delete,
        payload: routeChange(route),
      }, ["ESRCH"]),
  };
}

/** The kernel's refusal, if an answer holds one; NLMSG_ERROR with 0 is the acknowledgement. */
function throwIfError(answer: readonly NetlinkMessage[], operation: string): void {
  for (const { type, payload } of answer) {
    if (type !== NLMSG.error) continue;
    if (payload.byteLength < 4) throw new NetlinkFormatError("error cut short");
    const error = viewOf(payload).getInt32(0, true);
    if (error !== 0) throw new ShimError(-error, operation);
  }
}
