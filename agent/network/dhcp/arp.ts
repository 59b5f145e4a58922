/*
 * ARP packets (RFC 826) as far as it takes to find out whether somebody has an address (RFC 5227):
 * built and judged. What arrives is hostile until shown otherwise: every length is checked.
 */

import { type IpBytes, sameIp } from "../../interfaces/mod.ts";
import type { DhcpClientId } from "./packet.ts";

const HEADER_BYTES = 8;
const IPV4 = 0x0800;
const IPV4_BYTES = 4;
const OPERATION = { request: 1, reply: 2 } as const;

/** Asks who has an address, without claiming one: the sender's is 0.0.0.0. */
export function encodeArpProbe({ hardwareType, linkAddress }: DhcpClientId, address: IpBytes) {
  const linkBytes = linkAddress.byteLength;
  const packet = new Uint8Array(HEADER_BYTES + 2 * (linkBytes + IPV4_BYTES));
  const view = new DataView(packet.buffer);
  view.setUint16(0, hardwareType);
  view.setUint16(2, IPV4);
  view.setUint8(4, linkBytes);
  view.setUint8(5, IPV4_BYTES);
  view.setUint16(6, OPERATION.request);
  packet.set(linkAddress, HEADER_BYTES);
  packet.set(address, HEADER_BYTES + 2 * linkBytes + IPV4_BYTES);
  return packet;
}

/**
 * Whether a packet says that somebody else has the address, or is about to take it (RFC 5227, 2.1.1);
 * false for anything that is no ARP packet of this kind of link.
 */
export function isArpConflict(
  packet: Uint8Array,
  { linkAddress }: DhcpClientId,
  address: IpBytes,
): boolean {
  const linkBytes = linkAddress.byteLength;
  if (packet.byteLength < HEADER_BYTES + 2 * (linkBytes + IPV4_BYTES)) return false;
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  if (view.getUint16(2) !== IPV4 || view.getUint8(4) !== linkBytes) return false;
  const operation = view.getUint16(6);
  if (view.getUint8(5) !== IPV4_BYTES) return false;
  if (operation !== OPERATION.request && operation !== OPERATION.reply) return false;
  const field = (at: number, bytes: number) => packet.subarray(at, at + bytes);
  const sender = field(HEADER_BYTES, linkBytes);
  if (sameIp(sender, linkAddress)) return false;
  const senderAddress = field(HEADER_BYTES + linkBytes, IPV4_BYTES);
  if (sameIp(senderAddress, address)) return true;
  const target = field(HEADER_BYTES + 2 * linkBytes + IPV4_BYTES, IPV4_BYTES);
  const isProbe = operation === OPERATION.request && senderAddress.every((byte) => byte === 0);
  return isProbe && sameIp(target, address);
}
