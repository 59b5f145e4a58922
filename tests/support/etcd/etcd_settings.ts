import { SecretPem } from "../../../common/secret/mod.ts";
import type { EtcdSettings } from "../../../journal/etcd/mod.ts";
import type { EtcdSite } from "./etcd_site.ts";

/** How a journal in this process reaches an etcd, with leases as short as etcd gives them. */
export function etcdSettings(site: EtcdSite, changes: Partial<EtcdSettings> = {}): EtcdSettings {
  const { ca, cert, key } = site.files;
  return {
    endpoints: site.endpoints,
    tls: () => ({
      caPem: Deno.readTextFileSync(ca),
      certPem: Deno.readTextFileSync(cert),
      keyPem: new SecretPem(Deno.readTextFileSync(key)),
    }),
    requestTimeoutMs: 1_000,
    prefix: "/pact/test",
    leaseTtlSeconds: 2,
    compactsHistory: true,
    ...changes,
  };
}
