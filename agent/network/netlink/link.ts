import {
  decodeAttributes,
  encodePayload,
  textOf,
  uint32Of,
  uint32Value,
  viewOf,
} from "./message.ts";

/** Message types of rtnetlink(7). */
export const RTM_LINK = { new: 16, delete: 17, get: 18 } as const;

/** IFF_* of netdevice(7), as far as they matter here. */
const IFF = { up: 0x1, loopback: 0x8, running: 0x40, lowerUp: 0x10000 } as const;
/** IFLA_* of rtnetlink(7). */
const IFLA = { address: 1, name: 3, mtu: 4, carrier: 33, permanentAddress: 54 } as const;
/** struct ifinfomsg. */
const FIXED_BYTES = 16;

/** A network interface of the kernel. */
export interface Link {
  readonly index: number;
  readonly name: string;
  readonly isUp: boolean;
  /** The other end is there (IFF_LOWER_UP); only meaningful while up. */
  readonly hasCarrier: boolean;
  readonly isLoopback: boolean;
  readonly mtu: number;
  /** ARPHRD_*: 1 is Ethernet, 32 InfiniBand. */
  readonly hardwareType: number;
  readonly linkAddress: Uint8Array;
  /** What the device was made with, whatever address it was given since; empty where it has none. */
  readonly permanentAddress: Uint8Array;
}

/** The payload that asks for every link, or one. */
export function linkRequest(index = 0): Uint8Array {
  return fixedPart(index, 0, 0);
}

/** The payload of RTM_NEWLINK that changes a link. */
export function linkChange(
  index: number,
  change: { readonly isUp?: boolean; readonly mtu?: number },
): Uint8Array {
  const fixed = change.isUp === undefined
    ? fixedPart(index, 0, 0)
    : fixedPart(index, change.isUp ? IFF.up : 0, IFF.up);
  return encodePayload(
    fixed,
    change.mtu === undefined ? [] : [[IFLA.mtu, uint32Value(change.mtu)]],
  );
}

/**
 * The link in the payload of RTM_NEWLINK or RTM_DELLINK.
 *
 * @throws {NetlinkFormatError} for a payload that is none.
 */
export function decodeLink(payload: Uint8Array): Link {
  const attributes = decodeAttributes(payload, FIXED_BYTES);
  const view = viewOf(payload);
  const flags = view.getUint32(8, true);
  return {
    index: view.getInt32(4, true),
    name: textOf(attributes.get(IFLA.name)) ?? "",
    isUp: (flags & IFF.up) !== 0,
    hasCarrier: (flags & IFF.lowerUp) !== 0,
    isLoopback: (flags & IFF.loopback) !== 0,
    mtu: uint32Of(attributes.get(IFLA.mtu)) ?? 0,
    hardwareType: view.getUint16(2, true),
    linkAddress: attributes.get(IFLA.address)?.slice() ?? new Uint8Array(),
    permanentAddress: attributes.get(IFLA.permanentAddress)?.slice() ?? new Uint8Array(),
  };
}

function fixedPart(index: number, flags: number, changed: number): Uint8Array {
  const bytes = new Uint8Array(FIXED_BYTES);
  const view = new DataView(bytes.buffer);
  view.setInt32(4, index, true);
  view.setUint32(8, flags, true);
  view.setUint32(12, changed, true);
  return bytes;
}
