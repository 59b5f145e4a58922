/** An IPv4 or IPv6 address: 4 or 16 bytes in network order. */
export type IpBytes = Uint8Array;

/** An address with the length of its network's prefix. */
export interface Cidr {
  readonly address: IpBytes;
  readonly prefixLength: number;
}

/** The bytes of an address, undefined for a text that is none. No zones, no IPv4 inside IPv6.
 *
 * ```ts
 * import { formatIp, parseIp } from "./ip.ts";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(parseIp("10.0.0.5"), new Uint8Array([10, 0, 0, 5]));
 * assert.equal(parseIp("10.0.0.256"), undefined);
 * assert.equal(formatIp(parseIp("fe80::1:0:0:2") ?? new Uint8Array()), "fe80::1:0:0:2");
 * ```
 */
export function parseIp(text: string): IpBytes | undefined {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

/** An address as people write it (RFC 5952 for IPv6). */
export function formatIp(bytes: IpBytes): string {
  return bytes.byteLength === 4 ? bytes.join(".") : formatIpv6(bytes);
}

/** `ADDRESS/LENGTH`, undefined for a text that is none. */
export function parseCidr(text: string): Cidr | undefined {
  const [ip = "", length = "", ...rest] = text.split("/");
  const address = parseIp(ip);
  if (address === undefined || rest.length > 0 || !/^[0-9]{1,3}$/.test(length)) return undefined;
  const prefixLength = Number(length);
  return prefixLength <= address.byteLength * 8 ? { address, prefixLength } : undefined;
}

/** {@link parseCidr}'s inverse. */
export function formatCidr({ address, prefixLength }: Cidr): string {
  return `${formatIp(address)}/${prefixLength}`;
}

/** The network an address lies in: the bits behind the prefix are zero. */
export function networkOf({ address, prefixLength }: Cidr): Cidr {
  const network = address.map((byte, index) => {
    const bits = Math.min(8, Math.max(0, prefixLength - index * 8));
    return byte & (0xff << (8 - bits));
  });
  return { address: network, prefixLength };
}

/** Whether an address lies in a network. */
export function isInside(address: IpBytes, network: Cidr): boolean {
  if (address.byteLength !== network.address.byteLength) return false;
  return sameIp(
    networkOf({ address, prefixLength: network.prefixLength }).address,
    networkOf(network).address,
  );
}

/** Whether two addresses are the same. */
export function sameIp(a: IpBytes | undefined, b: IpBytes | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.byteLength === b.byteLength && a.every((byte, index) => byte === b[index]);
}

function parseIpv4(text: string): IpBytes | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  if (!parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) <= 255)) {
    return undefined;
  }
  return Uint8Array.from(parts, Number);
}

function parseIpv6(text: string): IpBytes | undefined {
  const [head = "", tail, ...rest] = text.split("::");
  if (rest.length > 0) return undefined;
  const before = groupsOf(head);
  const after = tail === undefined ? [] : groupsOf(tail);
  if (before === undefined || after === undefined) return undefined;
  const missing = 8 - before.length - after.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const groups = [...before, ...new Array<number>(missing).fill(0), ...after];
  return Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

function groupsOf(text: string): number[] | undefined {
  if (text === "") return [];
  const groups = text.split(":");
  const isWhole = groups.every((group) => /^[0-9a-fA-F]{1,4}$/.test(group));
  return isWhole ? groups.map((group) => parseInt(group, 16)) : undefined;
}

function formatIpv6(bytes: IpBytes): string {
  const groups = Array.from(
    { length: 8 },
    (_, index) => ((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0),
  );
  const { start, length } = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  if (length < 2) return hex.join(":");
  return `${hex.slice(0, start).join(":")}::${hex.slice(start + length).join(":")}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}
