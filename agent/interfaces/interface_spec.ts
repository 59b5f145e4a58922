import { formatCidr, formatIp, isInside, parseCidr, parseIp, sameIp } from "./ip.ts";
import type { Cidr, IpBytes } from "./ip.ts";

/** What a network carries (NET-3). */
export type InterfaceRole = "management" | "hsn" | "other";

/** A declared route. */
export interface RouteSpec {
  readonly to: Cidr;
  readonly via?: IpBytes;
  /** Lower is preferred; 0 where nothing is declared. */
  readonly metric: number;
}

/** Name resolution for resolv.conf(5). */
export interface DnsSpec {
  readonly servers: readonly IpBytes[];
  readonly search: readonly string[];
}

/** One declared interface (NET-3). */
export interface InterfaceSpec {
  readonly name: string;
  /** Fixed addresses; where to get one; or, where nothing is declared, those that are there. */
  readonly addresses: readonly Cidr[] | "dhcp" | "kept";
  readonly gateway?: IpBytes;
  readonly mtu?: number;
  readonly state: "up" | "down";
  readonly routes: readonly RouteSpec[];
  readonly dns?: DnsSpec;
  readonly role: InterfaceRole;
  /** Its absence is no failure. */
  readonly isOptional: boolean;
}

/** An interface specification that cannot be used; says which key and why. */
export class InterfaceSpecError extends Error {
  override readonly name = "InterfaceSpecError";
}

const MAX_ADDRESSES = 64;
const MAX_ROUTES = 256;
const MAX_DNS_SERVERS = 3;
const MAX_SEARCH_DOMAINS = 6;
const MAX_METRIC = 0xffff_ffff;
const ROLES: readonly InterfaceRole[] = ["management", "hsn", "other"];
const KEYS = "name address gateway mtu state routes dns role optional".split(" ");
const DOMAIN = /^(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_-]+)*\.?$/;

/** Whether the kernel takes this as the name of an interface (dev_valid_name). */
export function isInterfaceName(name: string): boolean {
  return /^[^\s/:\0]{1,15}$/.test(name) && name !== "." && name !== "..";
}

/**
 * Reads a specification: the value of an overlay's `network` key or of a table below
 * `agent.network.interfaces`. A plain text is an address (NET-3).
 *
 * @throws {InterfaceSpecError} naming interface and key.
 */
export function interfaceSpec(name: string, value: unknown): InterfaceSpec {
  const fail = (problem: string): never => {
    throw new InterfaceSpecError(`interface ${JSON.stringify(name)}: ${problem}`);
  };
  if (!isInterfaceName(name)) fail("not a name of an interface");
  const table = typeof value === "string" ? { address: value } : value;
  if (!isTable(table)) return fail("neither a table nor an address");
  const unknownKey = Object.keys(table).find((key) => !KEYS.includes(key));
  if (unknownKey !== undefined) fail(`unknown key ${JSON.stringify(unknownKey.slice(0, 64))}`);
  if (table["name"] !== undefined && table["name"] !== name) fail("name is another one");
  const addresses = addressesOf(table["address"], fail);
  const gateway = optional(table["gateway"], (text) => ipOf(text, "gateway", fail));
  const spec: InterfaceSpec = {
    name,
    addresses,
    ...(gateway !== undefined && { gateway }),
    ...mtuOf(table["mtu"], fail),
    state: choice(table["state"], "state", ["up", "down"], "up", fail),
    routes: routesOf(table["routes"], fail),
    ...dnsOf(table["dns"], fail),
    role: choice(table["role"], "role", ROLES, "other", fail),
    isOptional: flagOf(table["optional"], fail),
  };
  checkGateways(spec, fail);
  return spec;
}

/**
 * Reads a specification from the text that carries it from place to place: a JSON object, or an address.
 *
 * @throws {InterfaceSpecError} naming interface and key.
 */
export function interfaceSpecOfText(name: string, text: string): InterfaceSpec {
  if (!text.startsWith("{")) return interfaceSpec(name, text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new InterfaceSpecError(`interface ${JSON.stringify(name)}: malformed JSON`);
  }
  return interfaceSpec(name, value);
}

/** {@link interfaceSpecOfText}'s inverse: the same specification always gives the same text. */
export function textOfInterfaceSpec(spec: InterfaceSpec): string {
  const { addresses, gateway, mtu, state, routes, dns, role, isOptional } = spec;
  return JSON.stringify({
    ...(addresses !== "kept" && {
      address: addresses === "dhcp" ? "dhcp" : addresses.map(formatCidr),
    }),
    ...(dns !== undefined && {
      dns: { search: dns.search, servers: dns.servers.map(formatIp) },
    }),
    ...(gateway !== undefined && { gateway: formatIp(gateway) }),
    ...(mtu !== undefined && { mtu }),
    ...(isOptional && { optional: true }),
    role,
    routes: routes.map(({ to, via, metric }) => ({
      ...(metric > 0 && { metric }),
      to: formatCidr(to),
      ...(via !== undefined && { via: formatIp(via) }),
    })),
    state,
  });
}

/** The routes of a specification, its gateway as one; those on the link first: others may lead over them. */
export function routesOfSpec({ gateway, routes }: InterfaceSpec): RouteSpec[] {
  const onLink = routes.filter(({ via }) => via === undefined);
  const others = routes.filter(({ via }) => via !== undefined);
  if (gateway === undefined) return [...onLink, ...others];
  const address = new Uint8Array(gateway.byteLength);
  return [...onLink, { to: { address, prefixLength: 0 }, via: gateway, metric: 0 }, ...others];
}

type Fail = (problem: string) => never;

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function optional<Value>(
  value: unknown,
  read: (value: unknown) => Value,
): Value | undefined {
  return value === undefined ? undefined : read(value);
}

function addressesOf(value: unknown, fail: Fail): InterfaceSpec["addresses"] {
  if (value === undefined) return "kept";
  if (value === "dhcp") return "dhcp";
  const texts = Array.isArray(value) ? value : [value];
  if (texts.length > MAX_ADDRESSES) fail(`more than ${MAX_ADDRESSES} addresses`);
  return texts.map((text) => {
    const cidr = typeof text === "string" ? parseCidr(text) : undefined;
    return cidr ?? fail(`address ${shown(text)} is not ADDRESS/LENGTH`);
  });
}

function ipOf(value: unknown, key: string, fail: Fail): IpBytes {
  const address = typeof value === "string" ? parseIp(value) : undefined;
  return address ?? fail(`${key} ${shown(value)} is not an address`);
}

function mtuOf(value: unknown, fail: Fail): { mtu?: number } {
  if (value === undefined) return {};
  const isMtu = typeof value === "number" && Number.isInteger(value) && value >= 68 &&
    value <= 65_536;
  return isMtu ? { mtu: value } : fail(`mtu ${shown(value)} is not 68 to 65536`);
}

function routesOf(value: unknown, fail: Fail): readonly RouteSpec[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) return fail("routes is not a list");
  if (value.length > MAX_ROUTES) fail(`more than ${MAX_ROUTES} routes`);
  return value.map((entry: unknown) => {
    if (!isTable(entry)) return fail("a route is not a table");
    const { to, via, metric = 0, ...rest } = entry;
    if (Object.keys(rest).length > 0) fail(`a route has the unknown key ${Object.keys(rest)[0]}`);
    const destination = destinationOf(to, via) ??
      fail(`route to ${shown(to)} is not ADDRESS/LENGTH or default`);
    const isMetric = typeof metric === "number" && Number.isInteger(metric) && metric >= 0 &&
      metric <= MAX_METRIC;
    if (!isMetric) return fail(`metric ${shown(metric)} is not 0 to ${MAX_METRIC}`);
    const gateway = optional(via, (text) => ipOf(text, "via", fail));
    return { to: destination, ...(gateway !== undefined && { via: gateway }), metric };
  });
}

function destinationOf(to: unknown, via: unknown): Cidr | undefined {
  if (typeof to !== "string") return undefined;
  if (to !== "default") return parseCidr(to);
  const gateway = typeof via === "string" ? parseIp(via) : undefined;
  return gateway && { address: new Uint8Array(gateway.byteLength), prefixLength: 0 };
}

function dnsOf(value: unknown, fail: Fail): { dns?: DnsSpec } {
  if (value === undefined) return {};
  if (!isTable(value)) return fail("dns is not a table");
  const { servers = [], search = [], ...rest } = value;
  if (Object.keys(rest).length > 0) fail(`dns has the unknown key ${Object.keys(rest)[0]}`);
  if (!Array.isArray(servers) || servers.length > MAX_DNS_SERVERS) {
    return fail(`dns.servers is not a list of at most ${MAX_DNS_SERVERS}`);
  }
  if (!Array.isArray(search) || search.length > MAX_SEARCH_DOMAINS) {
    return fail(`dns.search is not a list of at most ${MAX_SEARCH_DOMAINS}`);
  }
  return {
    dns: {
      servers: servers.map((server: unknown) => ipOf(server, "dns server", fail)),
      search: search.map((domain: unknown) =>
        isDomain(domain) ? domain : fail(`dns.search ${shown(domain)} is not a domain`)
      ),
    },
  };
}

/** Whether a text can stand in the search list of resolv.conf(5). */
export function isDomain(value: unknown): value is string {
  return typeof value === "string" && DOMAIN.test(value);
}

function choice<Word extends string>(
  value: unknown,
  key: string,
  words: readonly Word[],
  byDefault: Word,
  fail: Fail,
): Word {
  if (value === undefined) return byDefault;
  const word = words.find((known) => known === value);
  return word ?? fail(`${key} ${shown(value)} is none of ${words.join(", ")}`);
}

function flagOf(value: unknown, fail: Fail): boolean {
  if (value === undefined || value === false) return false;
  return value === true || fail(`optional ${shown(value)} is neither true nor false`);
}

/** A gateway on no network of the interface would only be found out by the kernel, at the worst time. */
function checkGateways(spec: InterfaceSpec, fail: Fail): void {
  const { addresses } = spec;
  if (addresses === "dhcp" || addresses === "kept") return;
  for (const { via } of routesOfSpec(spec)) {
    if (via === undefined || isLinkLocal(via)) continue;
    const isReachable = addresses.some((cidr) =>
      isInside(via, cidr) && !sameIp(via, cidr.address)
    ) || spec.routes.some(({ to, via: over }) => over === undefined && isInside(via, to));
    if (!isReachable) fail(`gateway ${formatIp(via)} is on no network of the interface`);
  }
}

function isLinkLocal(address: IpBytes): boolean {
  return address.byteLength === 16 && address[0] === 0xfe && ((address[1] ?? 0) & 0xc0) === 0x80;
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? "nothing").slice(0, 128);
}
