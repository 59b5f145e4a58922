/**
 * A real etcd on this machine.
 *
 * @module
 */
export { etcdSettings } from "./etcd_settings.ts";
export { type EtcdFiles, EtcdSite, openEtcdSite } from "./etcd_site.ts";
export { etcdTest } from "./etcd_test.ts";
