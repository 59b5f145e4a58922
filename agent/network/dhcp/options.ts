/*
 * DHCP options (RFC 2132, 3396, 3442): from bytes to values and back. Every length is checked against
 * what is there; an option that is malformed counts as absent.
 */

import { type Cidr, type IpBytes, isDomain, networkOf } from "../../interfaces/mod.ts";

/** Option codes used here. */
export const OPTION = {
  pad: 0,
  subnetMask: 1,
  router: 3,
  dnsServers: 6,
  hostName: 12,
  domain: 15,
  mtu: 26,
  requestedAddress: 50,
  leaseTime: 51,
  overload: 52,
  messageType: 53,
  server: 54,
  parameters: 55,
  message: 56,
  maxMessageBytes: 57,
  renewTime: 58,
  rebindTime: 59,
  clientId: 61,
  classlessRoutes: 121,
  end: 255,
} as const;

/** DHCP message types of option 53. */
export const DHCP_TYPE = {
  discover: 1,
  offer: 2,
  request: 3,
  decline: 4,
  ack: 5,
  nak: 6,
  release: 7,
} as const;

/** Options by code; several of one code are one, in order (RFC 3396). */
export type Options = ReadonlyMap<number, Uint8Array>;

/** A route that a server gives (RFC 3442). */
export interface ServedRoute {
  readonly to: Cidr;
  /** Absent: on the link. */
  readonly via?: IpBytes;
}

const MAX_ROUTES = 64;

/** The options in a field; undefined when one runs past its end. */
export function decodeOptions(field: Uint8Array): Map<number, Uint8Array> | undefined {
  const options = new Map<number, Uint8Array>();
  for (let at = 0; at < field.byteLength;) {
    const code = field[at] ?? OPTION.end;
    if (code === OPTION.end) return options;
    if (code === OPTION.pad) {
      at++;
      continue;
    }
    const length = field[at + 1];
    if (length === undefined || at + 2 + length > field.byteLength) return undefined;
    const value = field.slice(at + 2, at + 2 + length);
    const before = options.get(code);
    options.set(code, before === undefined ? value : Uint8Array.from([...before, ...value]));
    at += 2 + length;
  }
  return options;
}

/** The bytes of options, the end mark included. A value is at most 255 bytes long. */
export function encodeOptions(options: Iterable<readonly [code: number, value: Uint8Array]>) {
  const bytes: number[] = [];
  for (const [code, value] of options) bytes.push(code, value.byteLength, ...value);
  return Uint8Array.from([...bytes, OPTION.end]);
}

/** One address, undefined where the option is none. */
export function addressOf(options: Options, code: number): IpBytes | undefined {
  const value = options.get(code);
  return value?.byteLength === 4 && value.some((byte) => byte !== 0) ? value.slice() : undefined;
}

/** The first address of a list. */
export function firstAddressOf(options: Options, code: number): IpBytes | undefined {
  return addressesOf(options, code)[0];
}

/** A list of addresses, at most eight. */
export function addressesOf(options: Options, code: number): IpBytes[] {
  const value = options.get(code) ?? new Uint8Array();
  const count = Math.min(Math.floor(value.byteLength / 4), 8);
  return Array.from({ length: count }, (_, index) => value.slice(index * 4, index * 4 + 4));
}

/** An unsigned number of 1, 2 or 4 bytes. */
export function numberOf(options: Options, code: number, bytes: 1 | 2 | 4): number | undefined {
  const value = options.get(code);
  if (value?.byteLength !== bytes) return undefined;
  return value.reduce((sum, byte) => sum * 256 + byte, 0);
}

/** The prefix length of a subnet mask; undefined for one with holes. */
export function prefixLengthOf(options: Options): number | undefined {
  const mask = numberOf(options, OPTION.subnetMask, 4);
  if (mask === undefined) return undefined;
  const length = Math.clz32(~mask);
  const whole = length === 0 ? 0 : (0xffff_ffff << (32 - length)) >>> 0;
  return whole === mask ? length : undefined;
}

/** The domain, undefined for a text that is none. */
export function domainOf(options: Options): string | undefined {
  const value = options.get(OPTION.domain);
  if (value === undefined) return undefined;
  const text = new TextDecoder().decode(value).replace(/\0+$/, "");
  return isDomain(text) ? text : undefined;
}

/** What a server says in words, made fit for a log line. */
export function messageOf(options: Options): string {
  const value = options.get(OPTION.message) ?? new Uint8Array();
  // deno-lint-ignore no-control-regex
  return new TextDecoder().decode(value).replaceAll(/[\x00-\x1f\x7f]/g, "").slice(0, 128);
}

/** Classless static routes; undefined where there are none or they are malformed. */
export function routesOf(options: Options): ServedRoute[] | undefined {
  const value = options.get(OPTION.classlessRoutes);
  if (value === undefined) return undefined;
  const routes: ServedRoute[] = [];
  for (let at = 0; at < value.byteLength && routes.length < MAX_ROUTES;) {
    const prefixLength = value[at] ?? 0;
    const used = Math.ceil(prefixLength / 8);
    if (prefixLength > 32 || at + 1 + used + 4 > value.byteLength) return undefined;
    const address = new Uint8Array(4);
    address.set(value.subarray(at + 1, at + 1 + used));
    const via = value.slice(at + 1 + used, at + 5 + used);
    const isOnLink = via.every((byte) => byte === 0);
    routes.push({ to: networkOf({ address, prefixLength }), ...(!isOnLink && { via }) });
    at += 5 + used;
  }
  return routes;
}
