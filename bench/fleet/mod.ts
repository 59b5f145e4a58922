/**
 * A journal with nodes, the load of many of them, and the programs it is measured beside.
 *
 * @module
 */
export { type Certificates, type Fleet, NODE_PREFIX, openFleet, VCLUSTER } from "./fleet.ts";
export { declaration } from "./overlay.ts";
export { hasProgram, type PeerProgram, startBareServer, startEtcd, startNginx } from "./peers.ts";
export { cpuMs } from "./process_cpu.ts";
export { megabytes, residentBytes, watchMemory } from "./process_memory.ts";
export {
  type BootLoad,
  buildStreamLoad,
  type FanoutLoad,
  loadBoots,
  type OpenFanout,
  openFanout,
  type Target,
} from "./stream_load.ts";
