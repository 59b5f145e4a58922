import { etcdTest, openEtcdSite } from "../etcd/mod.ts";
import { openQuorumSite, type QuorumSite, type QuorumSiteOptions } from "./quorum_site.ts";

/** Opens the journals of a test. */
export type OpenSite = (options?: Omit<QuorumSiteOptions, "etcd">) => Promise<QuorumSite>;

/** Members of the etcd that journals share. */
const ETCD_SIZE = 3;

/** One test for each engine that may keep the log: what it shows, users see of either. */
export function onBothEngines(name: string, run: (open: OpenSite) => Promise<void>): void {
  Deno.test(name, () => run(openQuorumSite));
  onEtcd(name, run);
}

/** A test of journals whose log a real etcd of three keeps. */
export function onEtcd(name: string, run: (open: OpenSite) => Promise<void>): void {
  etcdTest(
    `${name} (on etcd)`,
    () =>
      run(async (options) => {
        const etcd = await openEtcdSite({ size: ETCD_SIZE });
        return await openQuorumSite({ ...options, etcd });
      }),
  );
}
