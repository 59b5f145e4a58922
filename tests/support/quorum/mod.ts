/**
 * A quorum of real journals on this machine.
 *
 * @module
 */
export {
  entryOf,
  type MemberClients,
  type MemberHealth,
  type MemberHosts,
  type MemberPlace,
  openQuorumSite,
  QuorumSite,
} from "./quorum_site.ts";
export { type AppendedUnderLoad, appendUntil, readLog } from "./load.ts";
export { ObservedClients } from "./observed.ts";
export { onBothEngines, onEtcd, type OpenSite } from "./engines.ts";
export { canMakeNamespaces, type Namespaces, openNamespaces } from "./namespaces.ts";
export { assertOneLog } from "./one_log.ts";
export { type QuorumAgentOptions, startQuorumAgent } from "./quorum_agent.ts";
