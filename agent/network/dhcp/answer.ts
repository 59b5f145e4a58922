import type { IpBytes } from "../../interfaces/mod.ts";
import type { Lease } from "../lease.ts";
import {
  addressesOf,
  addressOf,
  domainOf,
  firstAddressOf,
  numberOf,
  OPTION,
  prefixLengthOf,
  routesOf,
} from "./options.ts";
import type { DhcpReply } from "./packet.ts";

/** An address that a server would give. */
export interface Offer {
  readonly address: IpBytes;
  readonly server: IpBytes;
}

/** Shortest lease that is honoured; a shorter one would only make traffic. */
const MIN_LEASE_SECONDS = 10;
/** Where a server gives none: RFC 2131, 4.4.5. */
const RENEW_SHARE = 0.5;
const REBIND_SHARE = 0.875;
const MIN_MTU = 576;

/** The offer in a reply, undefined where it cannot be used. */
export function offerOf({ yourAddress, options }: DhcpReply): Offer | undefined {
  const server = addressOf(options, OPTION.server);
  if (server === undefined || !isHostAddress(yourAddress)) return undefined;
  // An address without its network would be of no use later.
  if (prefixLengthOf(options) === undefined) return undefined;
  return { address: yourAddress, server };
}

/** The lease in an acknowledgement, undefined where something is missing. */
export function leaseOf(reply: DhcpReply, askedAtMs: number): Lease | undefined {
  const offer = offerOf(reply);
  const { options } = reply;
  const prefixLength = prefixLengthOf(options);
  const seconds = numberOf(options, OPTION.leaseTime, 4);
  if (offer === undefined || prefixLength === undefined || seconds === undefined) return undefined;
  if (seconds < MIN_LEASE_SECONDS) return undefined;
  // Classless routes stand in for the router (RFC 3442).
  const routes = routesOf(options);
  const gateway = routes === undefined
    ? firstAddressOf(options, OPTION.router)
    : routes.find(({ to, via }) => to.prefixLength === 0 && via !== undefined)?.via;
  const domain = domainOf(options);
  const mtu = numberOf(options, OPTION.mtu, 2);
  return {
    address: { address: offer.address, prefixLength },
    ...(gateway !== undefined && isHostAddress(gateway) && { gateway }),
    routes: (routes ?? []).filter(({ to }) => to.prefixLength > 0)
      .map((route) => ({ ...route, metric: 0 })),
    dnsServers: addressesOf(options, OPTION.dnsServers).slice(0, 3),
    ...(domain !== undefined && { domain }),
    ...(mtu !== undefined && mtu >= MIN_MTU && { mtu }),
    server: offer.server,
    askedAtMs,
    ...timesOf(
      seconds,
      numberOf(options, OPTION.renewTime, 4),
      numberOf(options, OPTION.rebindTime, 4),
    ),
  };
}

/** Times that are in order, whatever the server says; for ever is what 32 bits hold. */
function timesOf(seconds: number, renew: number | undefined, rebind: number | undefined) {
  const rebindSeconds = rebind !== undefined && rebind > 0 && rebind < seconds
    ? rebind
    : seconds * REBIND_SHARE;
  const renewSeconds = renew !== undefined && renew > 0 && renew < rebindSeconds
    ? renew
    : Math.min(seconds * RENEW_SHARE, rebindSeconds);
  return {
    renewAfterMs: Math.round(renewSeconds * 1000),
    rebindAfterMs: Math.round(rebindSeconds * 1000),
    endsAfterMs: seconds * 1000,
  };
}

/** Whether one machine can have the address: not 0/8, not loopback, not multicast or above. */
function isHostAddress(address: IpBytes): boolean {
  const [first = 0] = address;
  return first > 0 && first !== 127 && first < 224;
}
