/*
 * DHCP messages in UDP in IPv4 (RFC 2131, 768, 791): built and taken apart. What arrives is hostile
 * until shown otherwise: every length is checked, and undefined stands for anything that is no answer.
 */

import type { IpBytes } from "../../interfaces/mod.ts";
import { decodeOptions, encodeOptions, numberOf, OPTION, type Options } from "./options.ts";

/** UDP ports of RFC 2131. */
export const CLIENT_PORT = 68;
const SERVER_PORT = 67;

const NOWHERE = new Uint8Array(4);
const EVERYWHERE = new Uint8Array([255, 255, 255, 255]);

const IP_HEADER_BYTES = 20;
const UDP_HEADER_BYTES = 8;
const BOOTP_BYTES = 236;
const COOKIE = [99, 130, 83, 99];
/** Smaller messages are dropped by some relays (RFC 1542). */
const MIN_MESSAGE_BYTES = 300;
const UDP = 17;
const BOOT_REQUEST = 1;
const BOOT_REPLY = 2;
const FLAG_BROADCAST = 0x8000;
const ETHERNET = 1;

/** Who asks. */
export interface DhcpClientId {
  /** ARPHRD_* of the interface. */
  readonly hardwareType: number;
  readonly linkAddress: Uint8Array;
}

/** A message to a server. */
export interface DhcpRequest {
  readonly xid: number;
  /** Seconds since the client began to ask. */
  readonly seconds: number;
  /** The address the client has and uses; absent before it has one. */
  readonly clientAddress?: IpBytes;
  readonly options: Iterable<readonly [code: number, value: Uint8Array]>;
}

/** A server's answer, its content unjudged. */
export interface DhcpReply {
  readonly xid: number;
  readonly type: number;
  readonly yourAddress: IpBytes;
  readonly options: Options;
}

/** The packet of a request, IP header included; `to` is everywhere unless given. */
export function encodeRequest(
  client: DhcpClientId,
  request: DhcpRequest,
  to: IpBytes = EVERYWHERE,
): Uint8Array {
  const message = encodeMessage(client, request);
  const from = request.clientAddress ?? NOWHERE;
  const udpBytes = UDP_HEADER_BYTES + message.byteLength;
  const packet = new Uint8Array(IP_HEADER_BYTES + udpBytes);
  const view = new DataView(packet.buffer);
  view.setUint8(0, 0x45);
  view.setUint16(2, packet.byteLength);
  view.setUint8(8, 64);
  view.setUint8(9, UDP);
  packet.set(from, 12);
  packet.set(to, 16);
  view.setUint16(10, checksum(packet.subarray(0, IP_HEADER_BYTES)));
  view.setUint16(IP_HEADER_BYTES, CLIENT_PORT);
  view.setUint16(IP_HEADER_BYTES + 2, SERVER_PORT);
  view.setUint16(IP_HEADER_BYTES + 4, udpBytes);
  packet.set(message, IP_HEADER_BYTES + UDP_HEADER_BYTES);
  const sum = udpChecksum(packet, IP_HEADER_BYTES, udpBytes);
  // 0 on the wire would say that there is none.
  view.setUint16(IP_HEADER_BYTES + 6, sum === 0 ? 0xffff : sum);
  return packet;
}

/** The reply in a packet for this client; undefined for anything else. */
export function decodeReply(
  packet: Uint8Array,
  client: DhcpClientId,
  { lacksChecksum = false }: { readonly lacksChecksum?: boolean } = {},
): DhcpReply | undefined {
  const message = payloadOf(packet, lacksChecksum);
  if (message === undefined || message.byteLength < BOOTP_BYTES + COOKIE.length) return undefined;
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  if (view.getUint8(0) !== BOOT_REPLY || !isFor(client, message)) return undefined;
  if (COOKIE.some((byte, index) => message[BOOTP_BYTES + index] !== byte)) return undefined;
  const options = optionsOf(message);
  const type = options === undefined ? undefined : numberOf(options, OPTION.messageType, 1);
  if (options === undefined || type === undefined) return undefined;
  return { xid: view.getUint32(4), type, yourAddress: message.slice(16, 20), options };
}

/** What identifies the client to a server (RFC 2132, 9.14). */
export function clientIdOption({ hardwareType, linkAddress }: DhcpClientId): Uint8Array {
  return Uint8Array.from([hardwareType & 0xff, ...linkAddress]);
}

function encodeMessage(client: DhcpClientId, request: DhcpRequest): Uint8Array {
  const { xid, seconds, clientAddress, options } = request;
  const encoded = encodeOptions(options);
  const length = Math.max(BOOTP_BYTES + COOKIE.length + encoded.byteLength, MIN_MESSAGE_BYTES);
  const message = new Uint8Array(length);
  const view = new DataView(message.buffer);
  const fits = hasBootpAddress(client);
  view.setUint8(0, BOOT_REQUEST);
  view.setUint8(1, client.hardwareType & 0xff);
  view.setUint8(2, fits ? client.linkAddress.byteLength : 0);
  view.setUint32(4, xid);
  view.setUint16(8, Math.min(seconds, 0xffff));
  // Where the header has no room for the address, answers can only be broadcast (RFC 4390).
  if (!fits && clientAddress === undefined) view.setUint16(10, FLAG_BROADCAST);
  message.set(clientAddress ?? NOWHERE, 12);
  if (fits) message.set(client.linkAddress, 28);
  message.set(COOKIE, BOOTP_BYTES);
  message.set(encoded, BOOTP_BYTES + COOKIE.length);
  return message;
}

function hasBootpAddress({ hardwareType, linkAddress }: DhcpClientId): boolean {
  return hardwareType === ETHERNET && linkAddress.byteLength <= 16;
}

function isFor(client: DhcpClientId, message: Uint8Array): boolean {
  if (!hasBootpAddress(client)) return true;
  return client.linkAddress.every((byte, index) => message[28 + index] === byte);
}

/** What UDP carries in an unfragmented packet to the client's port. */
function payloadOf(packet: Uint8Array, lacksChecksum: boolean): Uint8Array | undefined {
  if (packet.byteLength < IP_HEADER_BYTES) return undefined;
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  const headerBytes = (view.getUint8(0) & 0x0f) * 4;
  const totalBytes = view.getUint16(2);
  if (view.getUint8(0) >> 4 !== 4 || headerBytes < IP_HEADER_BYTES) return undefined;
  if (totalBytes > packet.byteLength || headerBytes + UDP_HEADER_BYTES > totalBytes) {
    return undefined;
  }
  if (view.getUint8(9) !== UDP || (view.getUint16(6) & 0x3fff) !== 0) return undefined;
  if (checksum(packet.subarray(0, headerBytes)) !== 0) return undefined;
  const udpBytes = view.getUint16(headerBytes + 4);
  if (view.getUint16(headerBytes) !== SERVER_PORT) return undefined;
  if (view.getUint16(headerBytes + 2) !== CLIENT_PORT) return undefined;
  if (udpBytes < UDP_HEADER_BYTES || headerBytes + udpBytes > totalBytes) return undefined;
  const hasChecksum = view.getUint16(headerBytes + 6) !== 0 && !lacksChecksum;
  if (hasChecksum && udpChecksum(packet, headerBytes, udpBytes) !== 0) return undefined;
  return packet.subarray(headerBytes + UDP_HEADER_BYTES, headerBytes + udpBytes);
}

/** The options, those that went on in the fields for names included (RFC 2131, 4.1). */
function optionsOf(message: Uint8Array): Options | undefined {
  const options = decodeOptions(message.subarray(BOOTP_BYTES + COOKIE.length));
  if (options === undefined) return undefined;
  const overload = numberOf(options, OPTION.overload, 1) ?? 0;
  const fields = [
    ...((overload & 1) === 0 ? [] : [message.subarray(108, 236)]),
    ...((overload & 2) === 0 ? [] : [message.subarray(44, 108)]),
  ];
  for (const field of fields) {
    for (const [code, value] of decodeOptions(field) ?? []) {
      const before = options.get(code) ?? new Uint8Array();
      options.set(code, Uint8Array.from([...before, ...value]));
    }
  }
  return options;
}

/** The Internet checksum (RFC 1071); 0 over bytes that hold a right one. */
function checksum(bytes: Uint8Array, start = 0): number {
  let sum = start;
  for (let at = 0; at < bytes.byteLength; at += 2) {
    sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function udpChecksum(packet: Uint8Array, headerBytes: number, udpBytes: number): number {
  let pseudo = UDP + udpBytes;
  for (let at = 12; at < 20; at += 2) {
    pseudo += ((packet[at] ?? 0) << 8) | (packet[at + 1] ?? 0);
  }
  return checksum(packet.subarray(headerBytes, headerBytes + udpBytes), pseudo);
}
