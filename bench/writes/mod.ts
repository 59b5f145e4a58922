/**
 * Clusters that take writes, side by side on loopback, and the program that writes to them.
 *
 * @module
 */
export {
  type Cluster,
  type PeerTransport,
  startEtcdCluster,
  startPactCluster,
} from "./clusters.ts";
export { buildLoad, type LoadPlan, type LoadResult, PROTOCOLS, runLoad } from "./load.ts";
export { processorSeconds } from "./processor_time.ts";
export { medians, printTable, type Row } from "./table.ts";
