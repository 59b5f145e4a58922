import {
  type Cidr,
  formatCidr,
  formatIp,
  type InterfaceSpec,
  interfaceSpec,
  type IpBytes,
  isDomain,
  parseIp,
  type RouteSpec,
} from "../interfaces/mod.ts";

/** What a DHCP server has granted (RFC 2131). */
export interface Lease {
  readonly address: Cidr;
  readonly gateway?: IpBytes;
  readonly routes: readonly RouteSpec[];
  readonly dnsServers: readonly IpBytes[];
  readonly domain?: string;
  readonly mtu?: number;
  readonly server: IpBytes;
  /** When the server was asked, in milliseconds since boot: the lease runs from then on. */
  readonly askedAtMs: number;
  /** After this the lease is extended with its server (T1), with any server (T2), and is over. */
  readonly renewAfterMs: number;
  readonly rebindAfterMs: number;
  readonly endsAfterMs: number;
}

/** A specification whose addresses are known, or left as they are. */
export type ResolvedSpec = InterfaceSpec & { readonly addresses: readonly Cidr[] | "kept" };

/** A specification with what a lease brings; what is declared beside `dhcp` goes before the lease's. */
export function withLease(spec: InterfaceSpec, lease: Lease): ResolvedSpec {
  const gateway = spec.gateway ?? lease.gateway;
  const mtu = spec.mtu ?? lease.mtu;
  const dns = spec.dns ?? {
    servers: lease.dnsServers,
    search: lease.domain === undefined ? [] : [lease.domain],
  };
  return {
    ...spec,
    addresses: [lease.address],
    routes: [...lease.routes, ...spec.routes],
    ...(gateway !== undefined && { gateway }),
    ...(mtu !== undefined && { mtu }),
    ...((dns.servers.length > 0 || dns.search.length > 0) && { dns }),
  };
}

/** A lease as a former agent leaves it to the next. */
export function textOfLease(lease: Lease): string {
  return JSON.stringify({
    ...lease,
    address: formatCidr(lease.address),
    ...(lease.gateway !== undefined && { gateway: formatIp(lease.gateway) }),
    routes: lease.routes.map(({ to, via, metric }) => ({
      to: formatCidr(to),
      ...(via !== undefined && { via: formatIp(via) }),
      metric,
    })),
    dnsServers: lease.dnsServers.map(formatIp),
    server: formatIp(lease.server),
  });
}

/** {@link textOfLease}'s inverse; undefined for anything else, which is as good as no lease. */
export function leaseOfText(text: string): Lease | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? leaseOfTable({ ...value }) : undefined;
  } catch {
    return undefined;
  }
}

function leaseOfTable(table: Record<string, unknown>): Lease | undefined {
  const times = ["askedAtMs", "renewAfterMs", "rebindAfterMs", "endsAfterMs"] as const;
  const [askedAtMs, renewAfterMs, rebindAfterMs, endsAfterMs] = times.map((name) => table[name]);
  const server = typeof table["server"] === "string" ? parseIp(table["server"]) : undefined;
  // The rest has the rules of a declared interface.
  const { addresses, gateway, mtu, routes, dns } = interfaceSpec("lease", {
    address: [table["address"]],
    gateway: table["gateway"],
    mtu: table["mtu"],
    routes: table["routes"],
    dns: { servers: table["dnsServers"], search: [table["domain"]].filter(isDomain) },
  });
  const [address] = addresses;
  if (address === undefined || typeof address === "string" || server === undefined) {
    return undefined;
  }
  if (!isTime(askedAtMs) || !isTime(renewAfterMs)) return undefined;
  if (!isTime(rebindAfterMs) || !isTime(endsAfterMs)) return undefined;
  const domain = dns?.search[0];
  return {
    address,
    ...(gateway !== undefined && { gateway }),
    routes,
    dnsServers: dns?.servers ?? [],
    ...(domain !== undefined && { domain }),
    ...(mtu !== undefined && { mtu }),
    server,
    askedAtMs,
    renewAfterMs,
    rebindAfterMs,
    endsAfterMs,
  };
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}
