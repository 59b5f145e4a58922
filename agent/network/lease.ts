import type { InterfaceSpec } from "../interfaces/mod.ts";
import type { Cidr, IpBytes } from "../interfaces/mod.ts";

/** What a DHCP server has granted (RFC 2131). */
export interface Lease {
  readonly address: Cidr;
  readonly gateway?: IpBytes;
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

/** A specification whose addresses are known. */
export type ResolvedSpec = InterfaceSpec & { readonly addresses: readonly Cidr[] };

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
    ...(gateway !== undefined && { gateway }),
    ...(mtu !== undefined && { mtu }),
    ...((dns.servers.length > 0 || dns.search.length > 0) && { dns }),
  };
}
