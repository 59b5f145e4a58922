import type { Cidr } from "../../interfaces/mod.ts";
import {
  type Attribute,
  decodeAttributes,
  encodePayload,
  NetlinkFormatError,
  uint32Of,
  viewOf,
} from "./message.ts";

/** Message types of rtnetlink(7). */
export const RTM_ADDRESS = { new: 20, delete: 21, get: 22 } as const;

/** Address families of socket(2). */
export const FAMILY = { any: 0, ipv4: 2, ipv6: 10 } as const;

/** IFA_* of rtnetlink(7). */
const IFA = { address: 1, local: 2, broadcast: 4, flags: 8 } as const;
const IFA_F = { dadFailed: 0x08, tentative: 0x40, permanent: 0x80 } as const;
/** struct ifaddrmsg. */
const FIXED_BYTES = 8;
const SCOPE_LINK = 253;

/** An address on an interface. */
export interface InterfaceAddress {
  readonly interfaceIndex: number;
  readonly cidr: Cidr;
  /** Only good on its link, as the kernel gives every IPv6 interface one. */
  readonly isLinkLocal: boolean;
  /** The kernel made it from a router's advertisement, and takes it away by itself. */
  readonly isDynamic: boolean;
  /** It stays until somebody takes it away, rather than for a time as one of a DHCP client. */
  readonly isPermanent: boolean;
  /** Somebody else may have it: being found out. */
  readonly isTentative: boolean;
  /** Somebody else has it. */
  readonly isDuplicate: boolean;
}

/** The payload that asks for every address. */
export function addressRequest(): Uint8Array {
  return new Uint8Array(FIXED_BYTES);
}

/** The payload of RTM_NEWADDR and RTM_DELADDR. */
export function addressChange(interfaceIndex: number, cidr: Cidr): Uint8Array {
  const { address, prefixLength } = cidr;
  const fixed = new Uint8Array(FIXED_BYTES);
  fixed[0] = familyOf(address);
  fixed[1] = prefixLength;
  new DataView(fixed.buffer).setUint32(4, interfaceIndex, true);
  const attributes: Attribute[] = [[IFA.local, address], [IFA.address, address]];
  if (address.byteLength === 4 && prefixLength < 31) {
    attributes.push([IFA.broadcast, broadcastOf(cidr)]);
  }
  return encodePayload(fixed, attributes);
}

/**
 * The address in the payload of RTM_NEWADDR or RTM_DELADDR.
 *
 * @throws {NetlinkFormatError} for a payload that is none.
 */
export function decodeAddress(payload: Uint8Array): InterfaceAddress {
  const attributes = decodeAttributes(payload, FIXED_BYTES);
  const view = viewOf(payload);
  // On a point-to-point link IFA_ADDRESS is the other end's.
  const address = attributes.get(IFA.local) ?? attributes.get(IFA.address);
  if (address === undefined || (address.byteLength !== 4 && address.byteLength !== 16)) {
    throw new NetlinkFormatError("interface address without an address");
  }
  const flags = uint32Of(attributes.get(IFA.flags)) ?? view.getUint8(2);
  return {
    interfaceIndex: view.getUint32(4, true),
    cidr: { address: address.slice(), prefixLength: view.getUint8(1) },
    isLinkLocal: view.getUint8(3) === SCOPE_LINK,
    isDynamic: address.byteLength === 16 && (flags & IFA_F.permanent) === 0,
    isPermanent: (flags & IFA_F.permanent) !== 0,
    isTentative: (flags & IFA_F.tentative) !== 0,
    isDuplicate: (flags & IFA_F.dadFailed) !== 0,
  };
}

/** The address family of an address. */
export function familyOf(address: Uint8Array): number {
  return address.byteLength === 4 ? FAMILY.ipv4 : FAMILY.ipv6;
}

function broadcastOf({ address, prefixLength }: Cidr): Uint8Array {
  return address.map((byte, index) => {
    const bits = Math.min(8, Math.max(0, prefixLength - index * 8));
    return byte | (0xff >> bits);
  });
}
