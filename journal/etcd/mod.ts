/**
 * The journal's log on a site's etcd, in place of the quorum's own.
 *
 * @module
 */
export {
  connectEtcd,
  type EtcdConnection,
  type EtcdSettings,
  requireCluster,
} from "./connect_etcd.ts";
export type { EtcdTls } from "./etcd_client.ts";
export { EtcdError } from "./etcd_error.ts";
export { EtcdLog, openEtcdLog } from "./etcd_log.ts";
export type { EtcdLogOptions } from "./etcd_options.ts";
